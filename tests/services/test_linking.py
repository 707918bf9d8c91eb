"""From provisioned to linked and back: each wrong turn ends explained, with nothing half-saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.domain.destination import Destination
from gcal_plugin.domain.link_state import LinkState
from gcal_plugin.ports import Account, CalendarError, Temporary
from gcal_plugin.ports.telephony import Line
from gcal_plugin.services import breaking, linking, outbox, switching
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store import scope
from gcal_plugin.store.tables import (
    Activity,
    Attempt,
    Calendar,
    Consent,
    Forwarding,
    Grant,
    Link,
    MailOut,
    WindowRow,
)
from tests.support.consent import consent
from tests.support.exchanges import Exchange
from tests.support.portal import ANNA, JAN, PIET
from tests.support.runtime import NotedMailer
from tests.telephony.servers import DemoPbx

CALLBACK = "http://127.0.0.1:8000/google-calendar/callback"
EMAIL = "jan@bakkerij.example"
OTHER = "prive@jan.example"
SESSION = "session-one"


@pytest.fixture
def link_id(rt: Runtime, google: LocalGoogle) -> UUID:
    for email in (EMAIL, OTHER):
        google.add_account(email)
        google.add_calendar(f"rota-{email}", email, summary="Bereikbaarheid")
    return linking.provision_link(
        rt,
        tenant_id="bel",
        account_id=JAN.id,
        domain=JAN.domain,
        extension="200",
        actor="system",
    )


def to_google(rt: Runtime, link_id: UUID, account: Account = JAN, session: str = SESSION) -> str:
    return linking.begin_connect(rt, account, link_id, session_key=session, redirect_uri=CALLBACK)


def back(
    rt: Runtime,
    query: dict[str, str],
    account: Account = JAN,
    session: str = SESSION,
) -> linking.ConnectOutcome:
    return linking.finish_connect(
        rt,
        account,
        session_key=session,
        state=query.get("state", ""),
        code=query.get("code"),
        error=query.get("error"),
        issuer=query.get("iss"),
    )


def connect(rt: Runtime, link_id: UUID, email: str = EMAIL) -> linking.ConnectOutcome:
    return back(rt, consent(to_google(rt, link_id), email))


def choose(rt: Runtime, link_id: UUID, calendar: str = f"rota-{EMAIL}", **said: Any) -> UUID:
    return linking.choose_calendar(rt, JAN, link_id, calendar, session_key=SESSION, **said)


def state_of(rt: Runtime, link_id: UUID) -> LinkState:
    with rt.store.begin() as session:
        return LinkState(session.get_one(Link, link_id, populate_existing=True).state)


def count(rt: Runtime, table: type) -> int:
    with rt.store.begin() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_request_to_google_carries_what_keeps_it_safe(rt: Runtime, link_id: UUID) -> None:
    asked = dict(parse_qsl(urlsplit(to_google(rt, link_id)).query))
    assert asked["code_challenge_method"] == "S256"
    assert asked["prompt"] == "consent select_account"
    assert asked["access_type"] == "offline"
    assert asked["redirect_uri"] == CALLBACK
    assert len(asked["state"]) >= 43
    assert "include_granted_scopes" not in asked


def test_connect_and_choose_makes_a_link_that_is_fetched_at_once(
    rt: Runtime, link_id: UUID
) -> None:
    outcome = connect(rt, link_id)
    assert (outcome.email, outcome.previous_email) == (EMAIL, None)
    assert state_of(rt, link_id) is LinkState.READY, "nothing is saved before it is confirmed"
    calendar_id = choose(rt, link_id)
    assert state_of(rt, link_id) is LinkState.LINKED
    with rt.store.begin() as session:
        assert session.get_one(Calendar, calendar_id).synced_at is not None
    assert count(rt, Consent) == 0
    with rt.store.begin() as session:
        grant = session.scalars(sa.select(Grant)).one()
        assert grant.email == EMAIL
        assert "1//" not in (grant.refresh_token or "")


def test_a_first_fetch_that_fails_is_asked_for_again(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    connect(rt, link_id)
    google.fault("backendError", endpoint="events.list")
    calendar_id = choose(rt, link_id)
    assert state_of(rt, link_id) is LinkState.LINKED
    assert calendar_id in rt.wake.synced  # type: ignore[attr-defined]


def test_cancelled_consent_says_so_and_saves_nothing(rt: Runtime, link_id: UUID) -> None:
    query = consent(to_google(rt, link_id), EMAIL, deny=True)
    with pytest.raises(linking.ConsentCancelled):
        back(rt, query)
    assert state_of(rt, link_id) is LinkState.READY
    assert (count(rt, Attempt), count(rt, Consent), count(rt, Grant)) == (0, 0, 0)


@pytest.mark.parametrize("box", ["calendar.events.readonly", "calendar.calendarlist.readonly"])
def test_an_unticked_box_is_seen_before_anything_is_saved(
    rt: Runtime, link_id: UUID, box: str
) -> None:
    query = consent(to_google(rt, link_id), EMAIL, untick=(box,))
    with pytest.raises(linking.ScopesMissing) as caught:
        back(rt, query)
    assert [scope.rpartition("/")[2] for scope in caught.value.missing] == [box]
    assert count(rt, Consent) == 0


def test_without_lasting_access_connecting_is_refused(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    url = to_google(rt, link_id).replace("access_type=offline", "access_type=online")
    with pytest.raises(linking.NoRefreshToken):
        back(rt, consent(url, EMAIL))
    assert count(rt, Grant) == 0


def test_a_callback_works_once(rt: Runtime, link_id: UUID) -> None:
    query = consent(to_google(rt, link_id), EMAIL)
    back(rt, query)
    with pytest.raises(linking.AttemptRefused) as caught:
        back(rt, query)
    assert caught.value.code == "state"


def test_an_invented_state_is_refused(rt: Runtime, link_id: UUID) -> None:
    query = consent(to_google(rt, link_id), EMAIL) | {"state": "invented"}
    with pytest.raises(linking.AttemptRefused) as caught:
        back(rt, query)
    assert caught.value.code == "state"
    assert count(rt, Consent) == 0


def test_an_attackers_callback_opened_by_the_victim_is_refused(rt: Runtime, link_id: UUID) -> None:
    """The attacker's own consent must not end up on somebody else's extension."""
    query = consent(to_google(rt, link_id), OTHER)
    with pytest.raises(linking.AttemptRefused) as caught:
        back(rt, query, account=ANNA)
    assert caught.value.code == "account"
    assert count(rt, Consent) == 0


def test_a_victims_callback_opened_in_another_session_is_refused(
    rt: Runtime, link_id: UUID
) -> None:
    query = consent(to_google(rt, link_id), EMAIL)
    with pytest.raises(linking.AttemptRefused) as caught:
        back(rt, query, session="session-two")
    assert caught.value.code == "session"
    assert count(rt, Consent) == 0


def test_a_consent_of_another_session_cannot_be_confirmed(rt: Runtime, link_id: UUID) -> None:
    connect(rt, link_id)
    with pytest.raises(linking.NothingToChoose):
        linking.calendar_choice(rt, JAN, link_id, session_key="session-two")


def test_a_wrong_issuer_is_refused(rt: Runtime, link_id: UUID) -> None:
    query = consent(to_google(rt, link_id), EMAIL) | {"iss": "https://evil.example"}
    with pytest.raises(CalendarError):
        back(rt, query)
    assert count(rt, Consent) == 0


def test_somebody_elses_link_does_not_exist(rt: Runtime, link_id: UUID) -> None:
    with pytest.raises(scope.NotInReach):
        to_google(rt, link_id, account=PIET)
    with pytest.raises(scope.NotInReach):
        linking.disconnect(rt, PIET, link_id)


def test_a_calendar_that_vanished_between_list_and_choice_is_refused(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    connect(rt, link_id)
    google.delete_calendar(f"rota-{EMAIL}")
    with pytest.raises(linking.CalendarVanished):
        choose(rt, link_id)
    assert state_of(rt, link_id) is LinkState.READY


def test_a_calendar_without_readable_titles_cannot_be_chosen(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    google.add_calendar("busy-only", OTHER, summary="Drukte")
    google.set_role("busy-only", EMAIL, "freeBusyReader")
    connect(rt, link_id)
    choice = linking.calendar_choice(rt, JAN, link_id, session_key=SESSION)
    assert {one.id: one.titles_readable for one in choice.calendars}["busy-only"] is False
    with pytest.raises(linking.TitlesUnreadable):
        choose(rt, link_id, "busy-only")


@pytest.mark.parametrize("fault", ["backendError", "serviceUnavailable", "html", "truncate"])
def test_google_failing_at_the_list_changes_nothing(
    rt: Runtime, link_id: UUID, google: LocalGoogle, fault: str
) -> None:
    connect(rt, link_id)
    google.fault(fault, endpoint="calendarList.list")
    with pytest.raises(CalendarError) as caught:
        choose(rt, link_id)
    assert not caught.value.permanent
    google.clear_faults()
    choose(rt, link_id)
    assert state_of(rt, link_id) is LinkState.LINKED


def test_reconnecting_the_same_account_keeps_the_calendar(rt: Runtime, link_id: UUID) -> None:
    connect(rt, link_id)
    kept = choose(rt, link_id)
    with rt.store.begin() as session:
        grant_id = session.scalars(sa.select(Grant.id)).one()
    breaking.grant_lost(rt, grant_id, "revoked")
    assert state_of(rt, link_id) is LinkState.RECONNECT
    connect(rt, link_id)
    assert linking.reconnect_same(rt, JAN, link_id, session_key=SESSION) == kept
    assert state_of(rt, link_id) is LinkState.LINKED
    assert count(rt, Grant) == 1


def test_another_account_at_reconnect_is_asked_about_never_switched_silently(
    rt: Runtime, link_id: UUID
) -> None:
    connect(rt, link_id)
    choose(rt, link_id)
    outcome = connect(rt, link_id, OTHER)
    assert (outcome.previous_email, outcome.email) == (EMAIL, OTHER)
    assert linking.reconnect_same(rt, JAN, link_id, session_key=SESSION) is None
    with pytest.raises(linking.OtherAccount):
        choose(rt, link_id, f"rota-{OTHER}")
    choose(rt, link_id, f"rota-{OTHER}", switch_account=True)
    with rt.store.begin() as session:
        assert session.scalars(sa.select(Grant.email)).all() == [OTHER]


def test_an_existing_forward_is_shown_and_never_replaced_unasked(
    rt: Runtime, link_id: UUID
) -> None:
    theirs = Destination.parse("+31201112222")
    rt.telephony["main"].replace(Line(JAN.domain, "200"), frozenset({theirs}), revision=1)
    connect(rt, link_id)
    with pytest.raises(linking.ForwardExists) as caught:
        choose(rt, link_id)
    assert caught.value.destinations == {theirs}
    choose(rt, link_id, replace_forward=True)
    assert state_of(rt, link_id) is LinkState.LINKED


def test_a_second_account_cannot_have_the_same_extension(rt: Runtime, link_id: UUID) -> None:
    with pytest.raises(linking.ExtensionTaken):
        linking.provision_link(
            rt,
            tenant_id="bel",
            account_id=ANNA.id,
            domain=JAN.domain,
            extension="200",
            actor="system",
        )


def test_provisioning_twice_answers_the_same_link(rt: Runtime, link_id: UUID) -> None:
    again = linking.provision_link(
        rt,
        tenant_id="bel",
        account_id=JAN.id,
        domain=JAN.domain,
        extension="200",
        actor="system",
    )
    assert again == link_id


def test_two_extensions_share_a_grant_and_only_the_last_one_withdraws_it(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    second = linking.provision_link(
        rt,
        tenant_id="bel",
        account_id=JAN.id,
        domain=JAN.domain,
        extension="201",
        actor="system",
    )
    for one in (link_id, second):
        connect(rt, one)
        choose(rt, one)
    assert count(rt, Grant) == 1
    first = linking.disconnect(rt, JAN, link_id)
    assert first.access is linking.Withdrawn.SHARED
    assert (state_of(rt, link_id), state_of(rt, second)) == (LinkState.READY, LinkState.LINKED)
    last = linking.disconnect(rt, JAN, second)
    assert last.access is linking.Withdrawn.DONE
    assert (count(rt, Grant), count(rt, Calendar)) == (0, 0)


def test_disconnect_clears_withdraws_and_deletes_and_says_so(rt: Runtime, link_id: UUID) -> None:
    connect(rt, link_id)
    choose(rt, link_id)
    report = linking.disconnect(rt, JAN, link_id)
    assert (report.extension, report.email) == ("200", EMAIL)
    assert report.forward is linking.Cleared.DONE
    assert report.access is linking.Withdrawn.DONE
    assert state_of(rt, link_id) is LinkState.READY
    connect(rt, link_id, OTHER)
    choose(rt, link_id, f"rota-{OTHER}")
    assert state_of(rt, link_id) is LinkState.LINKED, "connecting again works"


def test_disconnect_after_google_withdrew_access_already(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    connect(rt, link_id)
    choose(rt, link_id)
    google.revoke(EMAIL)
    assert linking.disconnect(rt, JAN, link_id).access is linking.Withdrawn.ALREADY


def test_disconnect_while_google_is_away_still_deletes_our_side(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    connect(rt, link_id)
    choose(rt, link_id)
    google.fault("serviceUnavailable", endpoint="oauth.revoke")
    assert linking.disconnect(rt, JAN, link_id).access is linking.Withdrawn.FAILED
    assert count(rt, Grant) == 0


THEIRS = Destination.parse("+31201112222")
LINE = Line(JAN.domain, "200")


def stands(rt: Runtime) -> set[str]:
    return {one.value for one in rt.telephony["main"].read(LINE).destinations}


def by_hand(rt: Runtime, *destinations: Destination) -> None:
    """Somebody sets a forward on the phone itself."""
    exchange = rt.telephony["main"]
    revision = exchange.read(LINE).revision + 1
    exchange.replace(LINE, frozenset(destinations), revision=revision)


def switch(rt: Runtime, link_id: UUID) -> None:
    """A worker looks at the line, as after every change."""
    assert switching.apply_now(rt, link_id)


def told(rt: Runtime) -> list[str]:
    with rt.store.begin() as session:
        return [one.what for one in session.query(Activity).order_by(Activity.id)]


@pytest.fixture(params=["memory", "webhook"])
def exchanging(rt: Runtime, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The runtime on the exchange in memory, or on the demo exchange by signed webhook."""
    if request.param == "memory":
        yield rt
        return
    server = DemoPbx(tmp_path)
    server.control("exchange", {"lines": {LINE.domain: [LINE.extension]}})
    yield replace(rt, telephony={"main": server.connect(server.port)})
    server.stop()


@pytest.mark.parametrize("seen_by_worker", [False, True])
@pytest.mark.parametrize(("drop", "left"), [(False, {"+31201112222"}), (True, set[str]())])
def test_each_answer_about_an_existing_forward_holds_before_and_after_an_appointment(
    exchanging: Runtime,
    link_id: UUID,
    google: LocalGoogle,
    seen_by_worker: bool,
    drop: bool,
    left: set[str],
) -> None:
    """Whether or not a worker looked at the line between provisioning and linking."""
    rt = exchanging
    by_hand(rt, THEIRS)
    if seen_by_worker:
        switch(rt, link_id)
    connect(rt, link_id)
    found = linking.calendar_choice(rt, JAN, link_id, session_key=SESSION).standing
    assert found.destinations == {THEIRS}
    calendar_id = choose(
        rt, link_id, replace_forward=drop, seen_forward=[one.value for one in found.destinations]
    )
    assert ("forward_replaced" if drop else "forward_kept") in told(rt)
    switch(rt, link_id)
    assert stands(rt) == left
    now = datetime.now(UTC)
    with rt.store.begin() as session:
        window = WindowRow(
            calendar_id=calendar_id,
            event_id="now",
            start_at=now - timedelta(hours=1),
            end_at=now + timedelta(hours=1),
            kind="number",
            value="+31612345678",
            received_at=now,
        )
        session.add(window)
    switch(rt, link_id)
    assert stands(rt) == {"+31612345678"}
    with rt.store.begin() as session:
        session.execute(sa.delete(WindowRow))
    switch(rt, link_id)
    assert stands(rt) == left
    report = linking.disconnect(rt, JAN, link_id)
    assert report.forward is linking.Cleared.DONE
    assert stands(rt) == left


def test_a_forward_that_is_not_the_one_shown_is_asked_about_again(
    rt: Runtime, link_id: UUID
) -> None:
    by_hand(rt, THEIRS)
    connect(rt, link_id)
    with pytest.raises(linking.ForwardExists):
        choose(rt, link_id, replace_forward=True, seen_forward=["+31612345678"])
    assert state_of(rt, link_id) is LinkState.READY
    switch(rt, link_id)
    assert stands(rt) == {THEIRS.value}, "an answer that came to nothing changes nothing"


def test_a_forward_gone_before_linking_does_not_come_back(rt: Runtime, link_id: UUID) -> None:
    by_hand(rt, THEIRS)
    switch(rt, link_id)
    by_hand(rt)
    connect(rt, link_id)
    choose(rt, link_id)
    switch(rt, link_id)
    assert stands(rt) == set()
    with rt.store.begin() as session:
        assert session.get_one(Forwarding, link_id).foreign_set is None


def test_linking_while_the_exchange_is_silent_keeps_what_stands_there(
    rt: Runtime, link_id: UUID
) -> None:
    exchange = Exchange("main")
    silent = replace(rt, telephony={"main": exchange})
    exchange.by_hand(LINE, THEIRS.value)
    exchange.reading = lambda: Temporary("no answer")
    connect(silent, link_id)
    assert not linking.calendar_choice(silent, JAN, link_id, session_key=SESSION).standing.known
    choose(silent, link_id)
    assert state_of(rt, link_id) is LinkState.LINKED
    exchange.reading = lambda: None
    switch(silent, link_id)
    assert stands(silent) == {THEIRS.value}


def test_another_calendar_or_a_reconnect_asks_nothing_about_the_forward_that_was_kept(
    rt: Runtime, link_id: UUID, google: LocalGoogle
) -> None:
    google.add_calendar("second", EMAIL, summary="Tweede")
    by_hand(rt, THEIRS)
    connect(rt, link_id)
    choose(rt, link_id, replace_forward=False)
    choose(rt, link_id, "second")
    with rt.store.begin() as session:
        grant_id = session.scalars(sa.select(Grant.id)).one()
    breaking.grant_lost(rt, grant_id, "revoked")
    connect(rt, link_id)
    assert linking.reconnect_same(rt, JAN, link_id, session_key=SESSION) is not None
    switch(rt, link_id)
    assert stands(rt) == {THEIRS.value}
    linking.disconnect(rt, JAN, link_id)
    connect(rt, link_id)
    with pytest.raises(linking.ForwardExists):
        choose(rt, link_id)


def post(rt: Runtime) -> list[tuple[str, str]]:
    """Send what is due; answers (to, subject) of all that went out so far."""
    outbox.send_due(rt)
    assert isinstance(rt.mailer, NotedMailer)
    return [(mail.to[0], mail.subject) for mail in rt.mailer.sent]


def lose_access(rt: Runtime) -> None:
    with rt.store.begin() as session:
        grant_id = session.scalars(sa.select(Grant.id)).one()
    breaking.grant_lost(rt, grant_id, "revoked")


def test_whoever_was_told_of_a_break_is_told_once_that_it_is_over(
    rt: Runtime, link_id: UUID
) -> None:
    connect(rt, link_id)
    choose(rt, link_id)
    rt.wake.switched.clear()  # type: ignore[attr-defined]
    linking.set_precautions(
        rt, JAN, link_id, stale_choice="keep", fallback_title="", second_contact="els@b.example"
    )
    assert rt.wake.switched == [link_id]  # type: ignore[attr-defined]
    for broken in (1, 2):
        lose_access(rt)
        assert len(post(rt)) == 4 * broken - 2
        woken = rt.wake.mails  # type: ignore[attr-defined]
        connect(rt, link_id)
        assert linking.reconnect_same(rt, JAN, link_id, session_key=SESSION)
        assert rt.wake.mails == woken + 1  # type: ignore[attr-defined]
        assert post(rt)[-2:] == [
            (JAN.email, "Extensie 200 schakelt weer door"),
            ("els@b.example", "Extensie 200 schakelt weer door"),
        ]
        choose(rt, link_id)
        assert len(post(rt)) == 4 * broken
    with rt.store.begin() as session:
        waiting = session.scalars(sa.select(MailOut.kind).where(MailOut.state == "waiting"))
        assert list(waiting) == [], "no reminder of a break that is over"


def test_a_break_that_was_over_before_its_letter_left_is_nobodys_news(
    rt: Runtime, link_id: UUID
) -> None:
    connect(rt, link_id)
    calendar_id = choose(rt, link_id)
    breaking.calendar_lost(rt, calendar_id, "unreadable")
    assert breaking.calendar_back(rt, calendar_id) == 1
    assert post(rt) == []
    breaking.calendar_lost(rt, calendar_id, "unreadable")
    post(rt)
    linking.disconnect(rt, JAN, link_id)
    assert [subject for _, subject in post(rt)] == ["Extensie 200 schakelt niet meer door"], (
        "letting go is not working again"
    )
