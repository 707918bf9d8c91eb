"""Make the pictures of the customer's manual anew: `python -m tests.e2e.manual`.

Starts the whole product, walks the way that the manual tells in both languages, and writes
`docs/images/<language>-<step>.png`, and the readme's `status.png`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.portal import CHROMIUM, FLAGS
from tests.e2e.conftest import Product, running_product

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PEOPLE = {"nl": "jan@bakkerij-jansen.example", "en": "praktijk@tandarts-devries.example"}
CALENDARS = {"nl": "Bereikbaarheid", "en": "Spoeddienst"}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1040, "height": 1400}


def main() -> None:
    """Walk it twice, once in each language."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_product(Path(folder)) as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in PEOPLE:
            context = browser.new_context(locale=language, viewport=PHONE)  # type: ignore[arg-type]
            context.set_default_timeout(30_000)
            _walk(context.new_page(), product, language)
            context.close()
        browser.close()


def _walk(page: Page, product: Product, language: str) -> None:
    email = PEOPLE[language]

    def shot(step: str) -> None:
        page.screenshot(path=IMAGES / f"{language}-{step}.png")

    page.goto(product.portal)
    page.locator("#email").fill(email)
    page.locator("#password").fill("demo")
    page.locator("main button[type=submit]").first.click()
    page.goto(f"{product.portal}/settings")
    page.locator("#language").select_option(language)
    page.locator("main button[type=submit]").first.click()
    page.goto(f"{product.portal}/settings")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    shot("settings")
    page.locator("main a[href$='/google-calendar/']").click()
    shot("connect")
    page.locator("button.g-google").click()
    page.locator("button", has_text=email).first.click()
    page.locator("button[value=allow]").click()
    page.wait_for_url("**/calendars")
    shot("calendars")
    page.get_by_label(CALENDARS[language]).check()
    page.locator("main button.g-button-primary").first.click()
    page.wait_for_url("**/google-calendar/")
    page.wait_for_timeout(4_000)
    page.goto(f"{product.portal}/google-calendar/")
    shot("status")
    if language == "nl":
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        page.reload()
        page.screenshot(path=IMAGES / "status.png")


if __name__ == "__main__":
    main()
