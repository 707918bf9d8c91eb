"""Pictures of every state, theme, language and size: `python -m tests.browser.screenshots`.

--out DIR      where they go (tests/.artifacts/screenshots)
--theme, --locale, --size, --page      only these (each may be repeated)
--dark         the dark colours too
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from gcal_plugin.web.gallery import PAGES
from gcal_plugin.web.theming.theme import Themes

from .portal import CHROMIUM, FLAGS, gallery_server

SIZES = {"phone": (360, 740), "desktop": (1280, 860)}
OUT = Path(__file__).parents[1] / ".artifacts" / "screenshots"


def take(arguments: argparse.Namespace) -> int:
    """Take the pictures that were asked for; answers how many."""
    count = 0
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    if not arguments.dark:
        schemes = ("light",)
    with (
        tempfile.TemporaryDirectory() as folder,
        gallery_server(Path(folder)) as gallery,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size, scheme in product(arguments.size, schemes):
            width, height = SIZES[size]
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            for theme, locale, name in product(arguments.theme, arguments.locale, arguments.page):
                page.goto(f"{gallery}/{theme}/{locale}/{name}")
                suffix = "-dark" if scheme == "dark" else ""
                path = arguments.out / theme / locale / f"{name}-{size}{suffix}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=path, full_page=True)
                count += 1
            page.close()
        browser.close()
    return count


def main(words: list[str]) -> int:
    """Read the options and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--dark", action="store_true")
    for name, every in {
        "theme": Themes().names(),
        "locale": ["nl", "en"],
        "size": list(SIZES),
        "page": list(PAGES),
    }.items():
        parser.add_argument(f"--{name}", action="append", choices=every)
        parser.set_defaults(**{f"every_{name}": every})
    arguments = parser.parse_args(words)
    for name in ("theme", "locale", "size", "page"):
        if not getattr(arguments, name):
            setattr(arguments, name, getattr(arguments, f"every_{name}"))
    print(f"{take(arguments)} pictures in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
