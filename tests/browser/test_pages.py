"""What only a browser can tell: keyboard, narrow screens, the content policy, the live part."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from example_app.database import db
from gcal_plugin.store.tables import Calendar, Forwarding, Grant, Link, WindowRow
from gcal_plugin.web.gallery import PAGES
from tests.support.portal_app import JAN, PREFIX

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>window.broken=1</script>",
    '"><img src=x onerror="window.broken=1">',
    "'><svg onload=window.broken=1>",
    "{{7*7}}{% raw %}",
    "javascript:window.broken=1",
    "\u202e\u2066<b>bidi</b>",
    "</title></textarea><script>window.broken=1</script>",
]


def link_calendar(app: Flask, name: str, hours: tuple[float, float] = (-1, 1)) -> None:
    """Jan's extension follows a calendar of this name, with one running forward."""
    with app.app_context():
        session = db.session
        now = datetime.now(UTC)
        link = session.scalars(sa.select(Link).where(Link.account_id == "1")).one()
        subject = uuid4().hex
        grant = Grant(client_id="client.example", subject=subject, email=name, created_at=now)
        session.add(grant)
        session.flush()
        calendar = Calendar(grant_id=grant.id, google_id=name, name=name, owner=name, synced_at=now)
        session.add(calendar)
        session.flush()
        link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, "linked"
        start, end = (now + timedelta(hours=part) for part in hours)
        session.add(
            WindowRow(
                calendar_id=calendar.id,
                event_id=name,
                start_at=start,
                end_at=end,
                kind="number",
                value="+31612345678",
                received_at=now,
            )
        )
        row = session.get(Forwarding, link.id)
        if row is None:
            row = Forwarding(
                link_id=link.id, tenant_id=link.tenant_id, pbx="main",
                domain=link.domain, extension=link.extension,
            )  # fmt: skip
            session.add(row)
        row.desired = row.observed = [["number", "+31612345678"]]
        session.commit()


# -- hostile names --------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_elsewhere_never_break_out(
    product: Flask, page: Page, address: str, name: str
) -> None:
    link_calendar(product, name)
    for path in ("/", "/test", "/plan", "/precautions", "/disconnect"):
        page.goto(f"{address}{PREFIX}{path}")
        assert page.evaluate("window.broken") is None
    page.goto(f"{address}{PREFIX}/")
    shown = page.locator("dl.g-facts dd").nth(1).text_content() or ""
    # Shown as the text that it is, but for the marks that turn the reading direction.
    assert re.sub(r"[\u202a-\u202e\u2066-\u2069]", "", name) in shown


def test_the_content_policy_is_strict_and_nothing_offends_it(
    product: Flask, browser: Browser, page: Page, address: str
) -> None:
    link_calendar(product, "Bereikbaarheid")
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or message.type == "error":
            complaints.append(message.text)

    page.on("console", note)
    for path in ("/", "/test", "/plan", "/precautions", "/disconnect", "/request"):
        answer = page.goto(f"{address}{PREFIX}{path}")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
    assert complaints == []


# -- keyboard ---------------------------------------------------------------------------------


def test_everything_can_be_reached_and_seen_by_keyboard(
    product: Flask, page: Page, address: str
) -> None:
    """Tab visits every control in order, each with a visible ring; the skip link is first."""
    link_calendar(product, "Bereikbaarheid")
    page.goto(f"{address}{PREFIX}/")
    wanted = page.evaluate(
        """[...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,summary')]
        .filter(one => one.checkVisibility() && !one.closest('details:not([open]) > :not(summary)'))
        .length"""
    )
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "g-skip"
    seen, places = 1, []
    for _ in range(wanted + 3):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => { const one = document.activeElement; if (one === document.body) return null;
            const style = getComputedStyle(one);
            const ring = [style.outlineStyle, parseFloat(style.outlineWidth)];
            return [...ring, one.outerHTML.slice(0, 80)] }"""
        )
        if found is None:
            break
        seen += 1
        places.append(found)
    assert seen == wanted
    assert [place for place in places if place[0] == "none" or place[1] < 2] == []


def test_pausing_and_resuming_by_keyboard_alone(product: Flask, page: Page, address: str) -> None:
    link_calendar(product, "Bereikbaarheid")
    page.goto(f"{address}{PREFIX}/")
    page.locator("summary", has_text="Pauzeer tot").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Pauzeren").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#g-now")).to_contain_text("Gepauzeerd tot")
    page.get_by_role("button", name="Hervatten").focus()
    page.keyboard.press("Space")
    expect(page.locator("#g-now")).to_contain_text("Doorgeschakeld naar")


# -- without and with scripts ----------------------------------------------------------------------


def test_the_sentence_follows_by_itself(product: Flask, page: Page, address: str) -> None:
    link_calendar(product, "Bereikbaarheid")
    page.clock.install()
    page.goto(f"{address}{PREFIX}/")
    expect(page.locator("#g-now")).to_contain_text("Doorgeschakeld")
    with product.app_context():
        db.session.execute(sa.update(Forwarding).values(desired=[], observed=[]))
        db.session.commit()
    page.clock.run_for(16_000)
    expect(page.locator("#g-now")).to_contain_text("Niet doorgeschakeld")


def test_nothing_needs_a_script(browser: Browser, product: Flask, address: str) -> None:
    """The menu, pausing, folded parts and forms, with scripts switched off."""
    link_calendar(product, "Bereikbaarheid")
    context = browser.new_context(java_script_enabled=False, locale="nl-NL")
    page = context.new_page()
    page.goto(f"{address}/login")
    page.get_by_label("E-mailadres").fill(JAN)
    page.get_by_label("Wachtwoord").fill("demo")
    page.get_by_role("button", name="Inloggen").click()
    page.locator("summary", has_text="Jan Jansen").click()
    page.get_by_role("link", name="Instellingen").first.click()
    expect(page.get_by_role("heading", name="Google Calendar Integratie")).to_be_visible()
    page.locator("main a[href$='/google-calendar/']").click()
    page.locator("summary", has_text="Pauzeer tot").click()
    page.get_by_label("Pauzeer tot").select_option("open")
    page.get_by_role("button", name="Pauzeren").click()
    expect(page.locator("#g-now")).to_have_text("Gepauzeerd; je eigen toestel gaat over.")
    page.get_by_role("button", name="Hervatten").click()
    expect(page.locator("#g-now")).to_contain_text("Doorgeschakeld naar")
    context.close()


# -- sizes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["belwinkel", "havenstem"])
def test_no_page_is_wider_than_the_smallest_phone(
    browser: Browser, gallery: str, theme: str
) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 640})
    wide = []
    for name in PAGES:
        page.goto(f"{gallery}/{theme}/nl/{name}")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            wide.append((name, width))
    page.close()
    assert wide == []


@pytest.mark.parametrize("theme", ["plain", "havenstem"])
def test_what_is_pressed_is_big_enough(browser: Browser, gallery: str, theme: str) -> None:
    """At least 24 x 24 pixels (WCAG 2.5.8), except links inside a sentence."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    small = []
    for name in ("forwarding", "calendars", "precautions", "reconnect"):
        page.goto(f"{gallery}/{theme}/nl/{name}")
        small += page.evaluate(
            """[...document.querySelectorAll('a[href],button,summary,select')]
            .filter(one => one.checkVisibility() && !one.closest('p'))
            .map(one => [one.outerHTML.slice(0, 70), one.getBoundingClientRect()])
            .filter(([_, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
        )
    page.close()
    assert small == []


def test_it_prints_light_and_without_buttons(
    browser: Browser, gallery: str, tmp_path: Path
) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{gallery}/plain/nl/forwarding")
    page.emulate_media(media="print")
    assert page.locator("button:visible").count() == 0
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(27, 31, 39)"
    assert len(page.pdf()) > 5_000
    page.goto(f"{gallery}/plain/nl/idle")
    later = page.locator("details.g-later .g-event").last
    page.emulate_media(media="screen")
    assert not later.is_visible()
    page.emulate_media(media="print")
    assert later.bounding_box() is not None, "on paper nothing is folded away"
    assert later.evaluate("one => one.checkVisibility({contentVisibilityAuto: true})")
    page.close()
