"""The twenty-six ways in which Google's calendar surprises, each held against the real libraries.

Every case runs on SQLite and on Postgres, against the local Google over HTTP, with the forwards
read back from an exchange.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa

from gcal_plugin.ports import CalendarError
from gcal_plugin.services import grant_tokens, grants, linking, security, syncing, watching
from gcal_plugin.store.tables import Grant, MailOut, SecurityEvent
from tests.support import portal
from tests.support.channels import channels
from tests.support.consent import consent
from tests.support.world import AMSTERDAM, HOUR, MINUTE, Linked, Message, World

JAN = "jan@gmail.example"
PIET = "+31612345678"
KEES = "+31687654321"


def test_case_01_a_later_page_fails_then_the_token_stays_and_page_one_is_harmless(
    world: World,
) -> None:
    link = world.link()
    world.sync(link)
    token = world.calendar_of(link).sync_token
    for hour in range(3):
        start = world.now + hour * HOUR
        world.event("0612345678", start, start + HOUR)
    world.google.fault("page_size", size=1)
    world.google.fault("backendError", endpoint="events.list", skip=1, count=1)

    report = world.sync(link)
    assert report.failed == {link.calendar_id: "backendError"}
    assert world.calendar_of(link).sync_token == token
    assert world.values(link) == []

    assert not world.sync(link).failed
    assert world.values(link) == [PIET] * 3
    assert world.calendar_of(link).sync_token != token
    before = [row.id for row in world.rows(link)]
    world.google.clear_faults()
    world.sync(link)
    assert [row.id for row in world.rows(link)] == before


def test_case_02_an_empty_page_may_be_followed_by_another(world: World) -> None:
    link = world.link()
    world.sync(link)
    world.event("0612345678", world.now, world.now + HOUR)
    world.google.fault("empty_page", count=1)
    world.sync(link)
    assert world.values(link) == [PIET]


def test_case_03_410_and_a_resync_that_fails_leave_the_forward_alone(world: World) -> None:
    link = world.link()
    kept = world.event("0612345678", world.now, world.now + 3 * HOUR)
    gone = world.event("0687654321", world.now, world.now + 3 * HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET, KEES}
    world.google.delete_event(JAN, gone)
    world.google.expire_sync_tokens(JAN)
    world.google.fault("backendError", endpoint="events.list", skip=1, count=1)

    report = world.sync(link)
    assert report.failed == {link.calendar_id: "backendError"}
    assert world.rings(link) == {PIET, KEES}
    assert not world.sync(link).failed
    assert world.rings(link) == {PIET}
    assert [row.event_id for row in world.rows(link)] == [kept]


def test_case_04_a_delta_never_names_a_window(world: World) -> None:
    link = world.link()
    world.sync(link)
    world.forget_asked()
    world.event("0612345678", world.now, world.now + HOUR)
    world.sync(link)
    (asked,) = world.asked()
    parameters = parse_qs(urlsplit(asked["path"]).query)
    assert "syncToken" in parameters
    assert not {"timeMin", "timeMax", "orderBy", "updatedMin", "q"} & set(parameters)


def test_case_05_an_endless_series_that_is_touched_stays_bounded(world: World) -> None:
    link = world.link()
    series = world.event("0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=DAILY"])
    world.sync(link)
    first = len(world.rows(link))
    world.google.fault("blow_up")
    world.google.fault("page_size", size=500)
    world.google.patch_event(JAN, series, summary="0687654321")
    report = world.sync(link)
    assert report.requests > 20, "the change runs to the end of the century"
    rows = world.rows(link)
    assert len(rows) == first <= 37
    assert {row.value for row in rows} == {KEES}


def test_case_06_an_instance_that_nobody_touched_drifts_into_the_horizon(world: World) -> None:
    link = world.link()
    far = world.now + timedelta(days=40)
    world.event("0612345678", far, far + HOUR)
    world.sync(link)
    assert world.values(link) == []
    world.later(timedelta(days=10))
    assert _known(world.calendar_of(link).relist_at) <= world.now
    world.sync(link)
    assert world.values(link) == [PIET]


def test_case_07_a_deleted_series_leaves_no_ghosts_beyond_six_months(world: World) -> None:
    world.configure(horizon_days=300)
    link = world.link()
    series = world.event(
        "0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=WEEKLY"]
    )
    world.sync(link)
    assert len(world.rows(link)) > 40
    world.google.delete_event(JAN, series)
    world.sync(link)
    world.sync(link)
    assert world.rows(link) == []


def test_case_08_a_cancelled_exception_names_only_ids_while_its_forward_is_on(
    world: World,
) -> None:
    link = world.link()
    series = world.event(
        "0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=DAILY;COUNT=3"]
    )
    world.sync(link)
    assert world.rings(link) == {PIET}
    instance = world.rows(link)[0].event_id
    assert instance.startswith(series)
    world.google.delete_event(JAN, instance)
    world.sync(link)
    assert world.rings(link) == set()
    assert len(world.rows(link)) == 2


def test_case_09_an_instance_moves_out_of_now_and_back(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    world.sync(link)
    assert world.rings(link) == {PIET}
    instance = world.rows(link)[0].event_id
    start, later = world.now, world.now + 5 * HOUR
    _move(world, instance, later, later + HOUR)
    world.sync(link)
    assert world.rings(link) == set()
    _move(world, instance, start, start + HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    assert len(world.rows(link)) == 3


def test_case_10_a_title_changes_while_its_forward_is_on(world: World) -> None:
    link = world.link()
    event = world.event("0612345678", world.now, world.now + HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.patch_event(JAN, event, summary="0687654321")
    world.sync(link)
    assert world.rings(link) == {KEES}
    world.google.patch_event(JAN, event, summary="Overleg met Kees")
    world.sync(link)
    assert world.rings(link) == set()
    old, between, now = world.rows(link, history=True)
    assert (old.value, between.value, now.value) == (PIET, KEES, None)
    assert old.replaced_at == between.received_at


@pytest.mark.parametrize(
    "title, value, reason",
    [
        (None, None, "empty_title"),
        ("", None, "empty_title"),
        ("   ", None, "empty_title"),
        ("٠٦١٢٣٤٥٦٧٨", None, "lookalike_digits"),
        ("\u202d0612345678\u202c", None, "invisible_characters"),
        ("0612345678 " * 930, None, "too_long"),
        ("  06-12 34 56 78 ", PIET, None),
    ],
    ids=["absent", "empty", "spaces", "arabic digits", "bidi marks", "10 kB", "ours"],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_case_11_titles_of_every_kind(
    world: World, title: str | None, value: str | None, reason: str | None
) -> None:
    link = world.link()
    start = {"dateTime": world.now.isoformat()}
    end = {"dateTime": (world.now + HOUR).isoformat()}
    body = {"start": start, "end": end} | ({} if title is None else {"summary": title})
    world.google.control("POST", f"calendars/{JAN}/events", body)
    report = world.sync(link)
    assert not report.failed
    (row,) = world.rows(link)
    assert (row.value, row.reason) == (value, reason)


def test_case_12_access_drops_to_free_and_busy_during_an_event(world: World) -> None:
    owner, calendar = "eigenaar@gmail.example", "rooster@group.calendar.google.com"
    world.account(owner)
    world.account(JAN)
    world.google.add_calendar(calendar, owner, acl={JAN: "reader"}, timeZone="Europe/Amsterdam")
    link = world.link(calendar=calendar)
    world.event("0612345678", world.now, world.now + HOUR, calendar)
    world.event("0687654321", world.now + 2 * HOUR, world.now + 3 * HOUR, calendar)
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.set_role(calendar, JAN, "freeBusyReader")
    world.event("0612345678", world.now + 4 * HOUR, world.now + 5 * HOUR, calendar)
    world.sync(link)
    assert world.fresh(link).state == "calendar_gone"
    assert world.fresh(link).broken_reason == "unreadable"
    assert _known(world.calendar_of(link).next_sync_at) <= world.now + HOUR
    assert world.rings(link) == {PIET}, "what runs goes on"
    world.later(2 * HOUR)
    assert world.rings(link) == set(), "nothing new starts"

    world.google.set_role(calendar, JAN, "reader")
    world.sync(link)
    assert world.fresh(link).state == "linked"
    assert world.rings(link) == {KEES}
    assert world.values(link) == [PIET, KEES, PIET], "what was hidden meanwhile is read"


def test_case_13_the_calendar_moves_to_another_zone_with_a_whole_day_on(world: World) -> None:
    link = world.link()
    world.event("0612345678", "2026-06-01", "2026-06-02")
    world.sync(link)
    (row,) = world.rows(link)
    assert row.start_at == datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert world.rings(link) == {PIET}
    world.google.change_calendar(JAN, timeZone="America/New_York")
    world.sync(link)
    (row,) = world.rows(link)
    assert row.start_at == datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert row.end_at == datetime(2026, 6, 2, 4, tzinfo=UTC)
    world.at(datetime(2026, 6, 2, 3, 59, tzinfo=UTC))
    assert world.rings(link) == {PIET}
    world.at(datetime(2026, 6, 2, 4, 0, 1, tzinfo=UTC))
    assert world.rings(link) == set()


@pytest.mark.parametrize("day, hours", [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_case_14_whole_days_of_23_and_25_hours(
    world: World, day: tuple[int, int, int], hours: int
) -> None:
    noon = datetime(*day, 12, tzinfo=AMSTERDAM)
    world.at(noon)
    link = world.link()
    tomorrow = (noon + timedelta(days=1)).date().isoformat()
    world.event("0612345678", noon.date().isoformat(), tomorrow)
    world.sync(link)
    (row,) = world.rows(link)
    assert row.end_at - row.start_at == hours * HOUR
    assert row.start_at.astimezone(AMSTERDAM).hour == 0
    assert row.end_at.astimezone(AMSTERDAM).hour == 0
    assert world.rings(link) == {PIET}


def test_case_15_adjoining_events_leave_no_gap_and_overlaps_change_the_difference(
    world: World,
) -> None:
    link = world.link()
    start = world.now
    world.event("0612345678", start, start + HOUR)
    world.event("06-12345678", start + HOUR, start + 2 * HOUR)
    world.event("0687654321", start + 90 * MINUTE, start + 3 * HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    revision = world.revision(link)
    world.at(start + HOUR)
    assert world.rings(link) == {PIET}
    assert world.revision(link) == revision, "the same number goes on: nothing is written"
    world.at(start + 90 * MINUTE)
    assert world.rings(link) == {PIET, KEES}
    world.at(start + 2 * HOUR)
    assert world.rings(link) == {KEES}


def test_case_16_no_length_and_no_end(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now)
    endless = world.event("0687654321", world.now, world.now + HOUR, endTimeUnspecified=True)
    world.sync(link)
    assert world.rings(link) == set()
    reasons = {row.event_id: row.reason for row in world.rows(link)}
    assert reasons[endless] == "no_end"
    assert sorted(map(str, reasons.values())) == ["no_end", "zero_length"]


def test_case_17_declined_while_active_then_accepted(world: World) -> None:
    link = world.link()
    me = {"email": JAN, "self": True, "responseStatus": "accepted"}
    event = world.event("0612345678", world.now, world.now + HOUR, attendees=[me])
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.patch_event(JAN, event, attendees=[me | {"responseStatus": "declined"}])
    world.sync(link)
    assert world.rings(link) == set()
    assert world.rows(link)[0].reason == "declined"
    world.google.patch_event(JAN, event, attendees=[me])
    world.sync(link)
    assert world.rings(link) == {PIET}


# -- consent, security events, outages ---------------------------------------------------------


def test_case_24_what_a_consent_may_lack_and_who_shares_a_grant(world: World) -> None:
    world.account(JAN)
    world.account("ander@gmail.example")
    first = _provisioned(world, "200")
    with pytest.raises(linking.ScopesMissing):
        _connect(world, first, JAN, untick=("calendar.events.readonly",))
    world.google.fault("omit_refresh_token", endpoint="oauth.token", count=1)
    with pytest.raises(linking.NoRefreshToken):
        _connect(world, first, JAN)
    with world.rt.store.begin() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Grant)) == 0, "nothing saved"

    second = _provisioned(world, "201")
    for link_id in (first, second):
        _connect(world, link_id, JAN)
        linking.choose_calendar(world.rt, PERSON, link_id, JAN, session_key=SESSION)
    again = _connect(world, first, "ander@gmail.example")
    assert again.previous_email == JAN, "another account is asked about"

    report = linking.disconnect(world.rt, PERSON, second)
    assert report.access is linking.Withdrawn.SHARED
    assert world.asked("oauth.revoke") == []
    report = linking.disconnect(world.rt, PERSON, first)
    assert report.access is linking.Withdrawn.DONE
    assert len(world.asked("oauth.revoke")) == 2, "and the consent that nobody confirmed"


def test_case_25_security_events_are_verified_and_taken_once(pushed: World) -> None:
    link = pushed.link()
    pushed.event("0612345678", pushed.now, pushed.now + HOUR)
    pushed.sync(link)
    assert pushed.rings(link) == {PIET}
    audience = {"aud": pushed.google.client_id}
    for wrong in (
        {"aud": "another-client"},
        {"iss": "https://evil.example/"},
        {"kid": "no-such-key"},
    ):
        token = _signed(pushed, "tokens-revoked", claims=audience | wrong)
        assert security.handle_security_event(pushed.rt, token) == 400
    for body in (b"", b"not a token", "\N{SNOWMAN}".encode(), b"x" * 70_000):
        assert security.handle_security_event(pushed.rt, body) == 400
    assert pushed.grant_of(link).state == "live"

    long_ago = int((pushed.now - timedelta(days=40)).timestamp())
    token = _signed(pushed, "tokens-revoked", claims=audience | {"exp": long_ago})
    assert security.handle_security_event(pushed.rt, token) == 202, "its age does not matter"
    assert pushed.grant_of(link).state == "revoked"
    assert pushed.fresh(link).state == "reconnect"
    assert pushed.rings(link) == set()

    _reconnected(pushed, link)
    assert security.handle_security_event(pushed.rt, token) == 202
    assert pushed.grant_of(link).state == "live", "the same message again does nothing"


@pytest.mark.parametrize("by", ["prefix", "hash_base64_sha512_sha512"])
def test_case_25_a_token_is_found_by_its_beginning_and_by_its_hash(pushed: World, by: str) -> None:
    link = pushed.link()
    other = pushed.link("piet@gmail.example", extension="201")
    token = _signed(pushed, "token-revoked", algorithm=by, refresh_token=pushed.secret_of(link))
    assert security.handle_security_event(pushed.rt, token) == 202
    assert pushed.grant_of(link).state == "revoked"
    assert pushed.grant_of(other).state == "live"


def test_case_25_what_one_client_hears_leaves_another_s_grant_alone(pushed: World) -> None:
    link = pushed.link()
    with pushed.rt.store.begin() as session:
        ours = session.get(Grant, link.grant_id)
        assert ours is not None
        theirs = Grant(
            client_id="client-of-a-reseller",
            subject=ours.subject,
            email=ours.email,
            created_at=pushed.now,
        )
        session.add(theirs)
        session.flush()
        other = replace(link, grant_id=theirs.id)
    token = _signed(pushed, "tokens-revoked", claims={"aud": pushed.google.client_id})
    assert security.handle_security_event(pushed.rt, token) == 202
    assert pushed.grant_of(link).state == "revoked"
    assert pushed.grant_of(other).state == "live"


def test_case_25_ended_sessions_have_the_grant_looked_at(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    again = pushed.calendar_of(link).next_sync_at
    assert pushed.grant_of(link).access_token is not None
    pushed.later(timedelta(seconds=30))
    assert again is not None
    assert again > pushed.now, "nothing is due yet"
    assert security.handle_security_event(pushed.rt, _signed(pushed, "sessions-revoked")) == 202
    assert _outcomes(pushed) == {"sessions-revoked": "checking 1"}
    assert pushed.grant_of(link).access_token is None
    pushed.forget_asked()
    syncing.sync_due(pushed.rt)
    asked = pushed.google.counters()["endpoints"]
    assert asked["oauth.token"] == 1, "so that we hear whether it still works"
    assert pushed.grant_of(link).state == "live"
    assert pushed.fresh(link).state == "linked"


def test_case_25_the_stream_is_registered_told_and_tested(pushed: World) -> None:
    link = pushed.link()
    address = security.register(pushed.rt)
    stream = security.status(pushed.rt)
    assert stream["status"] == "enabled"
    assert stream["delivery"]["url"] == address
    state = security.test(pushed.rt)
    outcome = _wait_for(lambda: _outcomes(pushed).get("verification"))
    assert outcome == f"state {state}"
    pushed.google.disable_account(JAN, reason="hijacking")
    assert _wait_for(lambda: _outcomes(pushed).get("account-disabled")) == "ended 1"
    assert pushed.fresh(link).state == "reconnect"


def test_case_26_six_hours_without_google(world: World) -> None:
    link = world.link()
    start = world.now
    for hour in range(1, 8):
        number = "0612345678" if hour % 2 else "0687654321"
        world.event(number, start + hour * HOUR, start + (hour + 1) * HOUR)
    world.sync(link)
    world.google.fault("serviceUnavailable")
    world.forget_asked()
    for minute in range(6 * 60 + 30):
        world.at(start + minute * MINUTE)
        if link.calendar_id in syncing.due_calendars(world.rt):
            syncing.sync_calendars(world.rt, [link.calendar_id])
        if minute % 60 == 1:
            hour = minute // 60
            expected = set() if hour == 0 else {PIET if hour % 2 else KEES}
            assert world.rings(link) == expected
    assert len(world.asked()) < 60, "asked ever less often"
    world.google.clear_faults()
    world.event("0612345678", world.now, world.now + HOUR)
    world.later(16 * MINUTE)
    assert link.calendar_id in syncing.due_calendars(world.rt)
    assert not world.sync(link).failed
    assert world.rings(link) == {PIET, KEES}


SESSION = "a session of the portal"
PERSON = portal.JAN


def _provisioned(world: World, extension: str) -> UUID:
    return linking.provision_link(
        world.rt,
        tenant_id="bel",
        account_id=PERSON.id,
        domain=PERSON.domain,
        extension=extension,
        actor="system",
    )


def _connect(
    world: World, link_id: UUID, email: str, untick: tuple[str, ...] = ()
) -> linking.ConnectOutcome:
    url = linking.begin_connect(
        world.rt,
        PERSON,
        link_id,
        session_key=SESSION,
        redirect_uri="http://127.0.0.1:8000/google-calendar/callback",
    )
    query = consent(url, email, untick=untick)
    return linking.finish_connect(
        world.rt,
        PERSON,
        session_key=SESSION,
        state=query["state"],
        code=query.get("code"),
        error=query.get("error"),
        issuer=query.get("iss"),
    )


def _signed(
    world: World, event: str, claims: Mapping[str, object] | None = None, **given: str
) -> bytes:
    """A security event token about Jan, as the local Google signs it."""
    token = world.google.security_event(
        event, account=JAN, send=False, claims=claims or {}, **given
    )
    return token.encode()


def _reconnected(world: World, link: Linked) -> None:
    tokens = world.google.grant(JAN)
    with world.rt.store.begin() as session:
        grant = session.get(Grant, link.grant_id)
        assert grant is not None
        grant.state, grant.ended_at, grant.consented_at = "live", None, world.now
        grant_tokens.put_refresh_token(world.rt.store.keyring, grant, tokens["refresh_token"])


def _outcomes(world: World) -> dict[str, str]:
    with world.rt.store.begin() as session:
        rows = session.execute(sa.select(SecurityEvent.kind, SecurityEvent.outcome))
        return {kind: outcome for kind, outcome in rows if outcome != "taken"}


def _wait_for(look: Callable[[], str | None]) -> str | None:
    deadline = time.monotonic() + 5
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _move(world: World, event_id: str, start: datetime, end: datetime) -> None:
    world.google.patch_event(
        JAN,
        event_id,
        start={"dateTime": start.isoformat()},
        end={"dateTime": end.isoformat()},
    )


def _heard(world: World) -> Message:
    """The next notification of a change, as Google sent it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for message in world.heard:
            if message.resource_state == "exists":
                return message
        time.sleep(0.01)
    raise AssertionError("no notification came")


def _known(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


# -- notifications -----------------------------------------------------------------------------


def test_case_18_the_first_message_arrives_before_the_answer_to_watch(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    pushed.google.fault("latency", endpoint="events.watch", seconds=0.3)
    assert watching.open_channel(pushed.rt, link.calendar_id)
    delivered = pushed.google.control("GET", "channels")["delivered"]
    assert [(one["state"], one["status"]) for one in delivered] == [("sync", 204)]
    assert pushed.calendar_of(link).push_state == "open"
    (channel,) = channels(pushed)
    assert channel.state == "open"
    assert pushed.now < _known(channel.renew_at) < _known(channel.expires_at)


def test_case_19_only_genuine_messages_count_and_a_burst_is_one_sync(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    watching.open_channel(pushed.rt, link.calendar_id)
    pushed.sync(link)
    pushed.event("0612345678", pushed.now, pushed.now + HOUR)
    message = _heard(pushed)
    assert pushed.calendar_of(link).dirty
    pushed.sync(link)
    pushed.wake.synced.clear()

    stranger = replace(message, channel_id="somebody-elses")
    forged = replace(message, token="a guess")
    nameless = replace(message, token="")
    for wrong in (stranger, forged, nameless, Message("", "", "")):
        assert watching.handle_push(pushed.rt, **asdict(wrong)) == 404
    assert pushed.wake.synced == []

    for _ in range(1000):
        assert watching.handle_push(pushed.rt, **asdict(message)) == 204
    assert pushed.wake.synced == [link.calendar_id]
    pushed.forget_asked()
    pushed.sync(link)
    assert len(pushed.asked()) == 1

    pushed.later(timedelta(days=30))
    assert watching.handle_push(pushed.rt, **asdict(message)) == 404, "the channel is over"


def test_case_20_a_renewal_that_fails_keeps_the_old_channel(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    watching.open_channel(pushed.rt, link.calendar_id)
    (old,) = channels(pushed)
    pushed.at(_known(old.renew_at))
    pushed.google.fault("backendError", endpoint="events.watch", count=1)
    watching.renew_due(pushed.rt)
    assert [one.id for one in channels(pushed)] == [old.id]
    assert pushed.calendar_of(link).push_state == "open"
    watching.renew_due(pushed.rt)
    assert len(pushed.asked("events.watch")) == 2, "not again at once"
    pushed.later(HOUR)
    watching.renew_due(pushed.rt)
    (new,) = channels(pushed)
    assert new.id != old.id
    assert _known(new.expires_at) > _known(old.expires_at)
    assert len(pushed.asked("channels.stop")) == 1, "and the old one is stopped"


def test_case_21_a_calendar_that_cannot_notify_is_polled(pushed: World) -> None:
    link = pushed.link()
    pushed.google.change_calendar(JAN, push=False)
    pushed.sync(link)
    for _ in range(3):
        watching.renew_due(pushed.rt)
        pushed.later(2 * HOUR)
    assert len(pushed.asked("events.watch")) == 1, "asked once, never again"
    assert pushed.calendar_of(link).push_state == "unsupported"
    assert channels(pushed) == []
    pushed.sync(link)
    calendar = pushed.calendar_of(link)
    assert calendar.next_sync_at is not None
    assert calendar.next_sync_at - pushed.now <= timedelta(seconds=60)


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, quota, permanent, waits",
    [
        ("rateLimitExceeded", True, False, 0),
        ("userRateLimitExceeded", True, False, 0),
        ("tooManyRequests", True, False, 1),
        ("quotaExceeded", False, False, 3600),
        ("insufficientPermissions", False, True, 0),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_case_22_too_fast_is_not_too_much_is_not_forbidden(
    world: World, kind: str, quota: bool, permanent: bool, waits: float
) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + 8 * HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.fault(kind)
    access = grants.access_token(world.rt, link.grant_id)
    with pytest.raises(CalendarError) as caught:
        world.bare.events(access, JAN, window=(world.now, world.now + HOUR))
    error = caught.value
    assert (error.quota, error.permanent) == (quota, permanent)
    assert (error.retry_after or 0) >= waits

    report = world.sync(link)
    assert link.calendar_id in report.failed
    again = world.calendar_of(link).next_sync_at
    assert again is not None
    assert again - world.now >= timedelta(seconds=max(waits, 7))
    assert world.rings(link) == {PIET}, "what runs goes on"
    assert world.fresh(link).state == "linked", "said once"
    world.at(again)
    assert link.calendar_id in syncing.sync_due(world.rt).failed
    if kind == "insufficientPermissions":
        assert world.fresh(link).state == "reconnect", "the consent lacks it: only a new one helps"
        assert world.rings(link) == set()
    else:
        assert world.fresh(link).state == "linked"
        assert world.rings(link) == {PIET}


@pytest.mark.parametrize(
    "kind, options",
    [
        ("error", {"status": 503, "reason": "internal_failure"}),
        ("hang", {"seconds": 3}),
        ("html", {"status": 429}),
        ("invalid_client", {}),
        ("missing_fields", {}),
        ("truncate", {}),
        ("reset", {}),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_case_23_a_token_endpoint_in_trouble_is_not_a_revocation(
    world: World, kind: str, options: dict[str, object]
) -> None:
    world.configure(google_timeout_seconds=1.0)
    link = world.link()
    world.event("0612345678", world.now, world.now + 8 * HOUR)
    world.sync(link)
    world.later(2 * HOUR)
    world.google.fault(kind, endpoint="oauth.token", **options)
    report = world.sync(link)
    assert report.failed
    assert report.failed[link.calendar_id] != "invalid_grant"
    assert world.fresh(link).state == "linked"
    assert world.grant_of(link).state == "live"
    assert world.rings(link) == {PIET}
    world.google.clear_faults()
    assert not world.sync(link).failed


def test_case_23_a_revocation_ends_the_forward_and_tells_the_customer(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + 8 * HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.revoke(JAN)
    world.later(2 * HOUR)
    report = world.sync(link)
    assert report.failed == {link.calendar_id: "invalid_grant"}
    assert world.rings(link) == set()
    assert world.fresh(link).state == "reconnect"
    grant = world.grant_of(link)
    assert (grant.state, grant.refresh_token, grant.access_token) == ("revoked", None, None)
    with world.rt.store.begin() as session:
        letters = list(session.scalars(sa.select(MailOut).order_by(MailOut.next_try_at)))
        assert {letter.kind for letter in letters} == {"link_broken"}
        assert letters[0].next_try_at is not None
        assert letters[0].next_try_at <= world.now + 5 * MINUTE
