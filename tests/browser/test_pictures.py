"""The main states look as they were agreed, in every theme."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from .pictures import CASES, TOLERANCE, difference, reference, take

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme, state", CASES)
def test_a_main_state_looks_as_agreed(
    browser: Browser, gallery: str, theme: str, state: str
) -> None:
    found = difference(take(browser, gallery, theme, state), reference(theme, state))
    assert found <= TOLERANCE, f"differs by {found:.1f}; see python -m tests.browser.screenshots"


def test_the_comparison_sees_another_state_theme_and_scheme(browser: Browser, gallery: str) -> None:
    shown = take(browser, gallery, "plain", "forwarding")
    assert difference(shown, reference("belwinkel", "forwarding")) > TOLERANCE
    assert difference(shown, reference("plain", "ready")) > TOLERANCE
    dark = take(browser, gallery, "plain", "forwarding", "dark")
    assert difference(dark, reference("plain", "forwarding")) > TOLERANCE
