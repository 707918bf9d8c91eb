"""The board on a bad day, on a screen and on a phone: each fault is there, its retry in reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.board import DESKTOP, PHONE, bad_day, open_board
from tests.browser.portal import serve
from tests.servers.databases import Databases
from tests.servers.ports import free_port

pytestmark = pytest.mark.browser

ROWS = (
    ("Connection broken", "223 fietsen-bos.example", "The customer withdrew access at Google"),
    ("Refused by the exchange", "211 bakkerij-jansen.example", "+31687654321 is refused here"),
    ("Calendar not fetched", "222 garage-kade.example", "backendError"),
    ("Mail not sent", "havenstem", "550 5.1.1 No such mailbox"),
    ("Request left waiting", "240 notaris-klaver.example", "Agreed; waits to be set up."),
)


@pytest.fixture(scope="module")
def board(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        bad_day(databases, tmp_path_factory.mktemp("board")) as app,
        serve(app, free_port()) as address,
    ):
        yield address


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_fault_is_on_the_board(browser: Browser, board: str, size: dict[str, int]) -> None:
    context = browser.new_context(viewport=size, locale="en")  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    open_board(page, board, "en")
    shown = page.locator("table.g-board tbody tr")
    assert shown.count() == len(ROWS)
    for row, words in zip(shown.all(), ROWS, strict=True):
        said = " ".join(row.inner_text().split())
        for part in words:
            assert part in said, said
        assert "ago" in said, "since when is told, and it is past"
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    for button in page.locator("table.g-board button").all():
        place = button.bounding_box()
        assert place is not None
        assert place["x"] + place["width"] <= size["width"], "a retry is out of sight"
    context.close()
