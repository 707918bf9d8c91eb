"""WCAG 2.2 AA, as far as axe can tell: every page, theme, language, light and dark."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from gcal_plugin.web.gallery import PAGES
from gcal_plugin.web.theming.theme import Themes

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
DAILY = "belwinkel"
"""The theme of every run; `make test-full` has the others too."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def faults(browser: Browser, gallery: str, theme: str, locale: str, scheme: Scheme) -> list[str]:
    """What axe finds on all pages of one theme, each as page, rule and element."""
    found: list[str] = []
    axe = Axe()
    page = browser.new_page(
        viewport={"width": 390, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
    )
    for name in PAGES:
        page.goto(f"{gallery}/{theme}/{locale}/{name}")
        # What is folded away must be accessible too.
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        found += [
            f"{name}: {violation['id']}: {node['html'][:160]}"
            for violation in axe.run(page, options=RULES).response["violations"]
            for node in violation["nodes"]
        ]
    page.close()
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("locale", ["nl", "en"])
def test_axe_finds_nothing(browser: Browser, gallery: str, locale: str, scheme: Scheme) -> None:
    assert faults(browser, gallery, DAILY, locale, scheme) == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("locale", ["nl", "en"])
@pytest.mark.parametrize("theme", sorted(set(Themes().names()) - {DAILY}))
def test_axe_finds_nothing_in_any_theme(
    browser: Browser, gallery: str, theme: str, locale: str, scheme: Scheme
) -> None:
    assert faults(browser, gallery, theme, locale, scheme) == []
