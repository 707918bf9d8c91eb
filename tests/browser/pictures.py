"""Reference pictures: small and blurred, so that a font's hinting does not matter
and a lost colour does.

`python -m tests.browser.pictures` takes them anew, after a change that is meant.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter, ImageStat
from playwright.sync_api import Browser, sync_playwright

from gcal_plugin.web.theming.theme import Themes

from .portal import CHROMIUM, FLAGS, gallery_server

FOLDER = Path(__file__).parent / "reference"
STATES = ("forwarding", "idle", "reconnect", "ready")
CASES = tuple(product(Themes().names(), STATES))
SIZE = (94, 185)
TOLERANCE = 6.0
"""The most that two pictures may differ, as the mean over all pixels of 0-255."""


def take(
    browser: Browser, gallery: str, theme: str, state: str, scheme: str = "light"
) -> Image.Image:
    """The top of one page on a phone, small and blurred."""
    page = browser.new_page(
        viewport={"width": 375, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto(f"{gallery}/{theme}/nl/{state}")
    found = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return found.resize(SIZE, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1.5))


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean distance of two pictures of one size, 0 to 255."""
    bands = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return sum(bands) / len(bands)


def reference(theme: str, state: str) -> Image.Image:
    """The picture that was agreed."""
    with Image.open(FOLDER / f"{theme}-{state}.png") as kept:
        return kept.convert("RGB")


def retake() -> Iterator[Path]:
    """Take every reference picture anew."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        gallery_server(Path(folder)) as gallery,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for theme, state in CASES:
            path = FOLDER / f"{theme}-{state}.png"
            take(browser, gallery, theme, state).save(path, optimize=True)
            yield path
        browser.close()


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in retake())
