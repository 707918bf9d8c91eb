"""Many grants refreshed at once: side by side, after the others, and each for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gcal_plugin.google import metadata
from gcal_plugin.ports import CalendarError, GrantedTokens, GrantRevoked, OAuthClient
from gcal_plugin.services import grants, sync_store, syncing, watching
from gcal_plugin.services.sync_fetch import Fetched
from gcal_plugin.services.sync_store import Outcome
from gcal_plugin.store import queries_calendar
from gcal_plugin.store.tables import Calendar, Grant
from tests.support.channels import channels
from tests.support.portal import ANDER, SmallPortal
from tests.support.world import HOUR, MINUTE, Linked, World

THEIRS = "client-of-a-reseller"
Refresh = Callable[[OAuthClient, str], GrantedTokens]


def people(world: World, count: int) -> list[Linked]:
    """So many links, none of which has an access token yet."""
    return [
        world.link(f"p{number}@gmail.example", extension=str(200 + number))
        for number in range(count)
    ]


def refreshing(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[Refresh, OAuthClient, str], Any],
) -> None:
    """Have something happen at each refresh; `answer` gets the real one to go on with."""
    oauth = world.rt.oauth
    real = oauth.refresh
    monkeypatch.setattr(oauth, "refresh", lambda client, token: answer(real, client, token))


def stored_at(monkeypatch: pytest.MonkeyPatch, told: Callable[[Sequence[Fetched]], object]) -> None:
    """Be told of each batch that is stored."""
    store = sync_store.store

    def watched(session: Any, settings: Any, batch: Sequence[Fetched], *rest: Any) -> Outcome:
        told(batch)
        return store(session, settings, batch, *rest)

    monkeypatch.setattr(sync_store, "store", watched)


def test_tokens_are_refreshed_side_by_side(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    links = people(world, 8)
    together = threading.Barrier(len(links), timeout=20)

    def wait(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        together.wait()
        return real(client, token)

    refreshing(world, monkeypatch, wait)
    assert world.sync(*links).synced == {link.calendar_id for link in links}
    for link in links:
        grant = world.grant_of(link)
        assert grant.access_token is not None
        assert (grant.refresh_lease_until, grant.checked_at) == (None, world.now)
        assert grants.access_token(world.rt, link.grant_id).subject == grant.subject
    assert len(world.asked("oauth.token")) == len(links)


def test_an_edit_with_a_known_token_waits_for_nobody_s_refresh(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = world.link(extension="500")
    world.sync(mine)
    others = people(world, 3)
    world.event("0612345678", world.now, world.now + HOUR)
    world.later(timedelta(seconds=2))
    with world.rt.store.begin() as session:
        session.execute(
            sa.update(Calendar)
            .where(Calendar.id == mine.calendar_id)
            .values(dirty=True, next_sync_at=world.now)
        )
    done: list[str] = []

    def note(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        done.append("refresh")
        return real(client, token)

    refreshing(world, monkeypatch, note)
    stored_at(monkeypatch, lambda batch: done.append(f"store {len(batch)}"))
    report = syncing.sync_due(world.rt, [mine.calendar_id])
    assert report.synced == {one.calendar_id for one in (mine, *others)}
    assert done == ["store 1", "refresh", "refresh", "refresh", "store 3"]
    assert world.values(mine) == ["+31612345678"]


def test_an_edit_that_is_announced_meanwhile_goes_before_the_others_that_are_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "_COLD_BATCH", 2)
    mine, cold = world.link(extension="500"), world.link("kees@gmail.example", extension="501")
    world.sync(mine)
    people(world, 4)
    world.sync(cold)
    world.later(timedelta(seconds=2))
    with world.rt.store.begin() as session:
        session.execute(
            sa.update(Grant).where(Grant.id == cold.grant_id).values(access_expires_at=world.now)
        )
    order: list[set[Any]] = []
    edits = [mine.calendar_id, cold.calendar_id]

    def announce(batch: Sequence[Fetched]) -> None:
        order.append({fetched.claim.id for fetched in batch})

    def note(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        with lock:
            announced, edits[:] = list(edits), []
        if announced:
            with world.app.app_context():
                with world.rt.store.begin() as session:
                    for calendar_id in announced:
                        queries_calendar.announce(session, calendar_id, world.now)
                world.rt.store.release()
        return real(client, token)

    lock = threading.Lock()
    refreshing(world, monkeypatch, note)
    stored_at(monkeypatch, announce)
    assert len(syncing.sync_due(world.rt).synced) == 6
    assert order[1:3] == [{mine.calendar_id}, {cold.calendar_id}]
    assert [len(one) for one in order] == [2, 1, 1, 2]


def test_a_token_that_google_ended_early_holds_up_nobody_else_s_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = people(world, 3)
    world.sync(*links)
    world.google.fault("authError", endpoint="events.list", count=1)
    done: list[str] = []

    def note(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        done.append("refresh")
        return real(client, token)

    refreshing(world, monkeypatch, note)
    stored_at(monkeypatch, lambda batch: done.append(f"store {len(batch)}"))
    assert len(world.sync(*links).synced) == 3
    assert done == ["store 2", "refresh", "store 1"]


def test_each_grant_of_a_batch_has_its_own_fate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, over, rotated, trouble, sealed = links = people(world, 5)
    secrets = {world.secret_of(link): link for link in links}
    with world.rt.store.begin() as session:
        session.execute(
            sa.update(Grant)
            .where(Grant.id == sealed.grant_id)
            .values(refresh_token="v1.00000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        )

    def answer(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        link = secrets[token]
        if link == over:
            raise GrantRevoked
        if link == trouble:
            raise CalendarError("not now", reason="temporarily_unavailable")
        granted = real(client, token)
        return replace(granted, refresh_token="1//another") if link == rotated else granted

    refreshing(world, monkeypatch, answer)
    report = world.sync(*links)
    assert report.synced == {good.calendar_id, rotated.calendar_id}
    assert report.failed == {
        over.calendar_id: "invalid_grant",
        trouble.calendar_id: "temporarily_unavailable",
        sealed.calendar_id: "cannot_open",
    }
    assert world.secret_of(rotated) == "1//another"
    assert world.grant_of(over).state == "revoked"
    assert [world.fresh(link).state for link in links] == [
        *("linked", "reconnect", "linked", "linked", "linked")
    ]
    assert [world.grant_of(link).refresh_lease_until for link in links] == [None] * 5


def test_one_client_s_wrong_secret_stops_no_other_client_s_calendars(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = people(world, 30)
    portal = world.rt.portal
    assert isinstance(portal, SmallPortal)
    portal.resellers["ander"] = replace(ANDER, oauth_client=OAuthClient(THEIRS, "a typing error"))
    theirs = sorted(links, key=lambda link: link.grant_id)[:20]
    with world.rt.store.begin() as session:
        session.execute(
            sa.update(Grant)
            .where(Grant.id.in_([link.grant_id for link in theirs]))
            .values(client_id=THEIRS)
        )
    tried: list[str] = []

    def answer(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        tried.append(client.id)
        if client.id == THEIRS:
            raise CalendarError("refused", reason="invalid_client")
        return real(client, token)

    refreshing(world, monkeypatch, answer)
    report = world.sync(*links)
    assert report.failed == {link.calendar_id: "invalid_client" for link in theirs}
    assert len(report.synced) == 10


def test_an_endpoint_that_is_away_is_not_waited_for_once_for_each_grant(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = people(world, 40)
    monkeypatch.setattr(syncing, "_COLD_BATCH", 20)
    tried: list[str] = []

    def answer(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        tried.append(token)
        raise CalendarError("nobody there", reason="unreachable")

    refreshing(world, monkeypatch, answer)
    report = world.sync(*links)
    assert report.failed == {link.calendar_id: "unreachable" for link in links}
    assert len(tried) < 20, "one for each thread, and a few"
    assert {world.grant_of(link).refresh_lease_until for link in links} == {None}


def test_what_a_slow_endpoint_leaves_no_time_for_is_no_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = people(world, 20)
    monkeypatch.setattr(grants, "_WAIT_SECONDS", 0.5)
    late = threading.Event()

    def answer(real: Refresh, client: OAuthClient, token: str) -> GrantedTokens:
        late.wait(0.7)
        return real(client, token)

    refreshing(world, monkeypatch, answer)
    report = world.sync(*links)
    assert len(report.synced) == 16
    assert set(report.failed.values()) == {"refresh_busy"}
    left = [link for link in links if link.calendar_id in report.failed]
    assert {world.calendar_of(link).failures for link in left} == {0}
    assert {world.grant_of(link).refresh_lease_until for link in left} == {None}
    late.set()
    world.later(MINUTE)
    again = syncing.sync_due(world.rt)
    assert {link.calendar_id for link in left} <= again.synced


def test_a_lease_of_another_process_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = links = people(world, 2)
    with world.rt.store.begin() as session:
        session.execute(
            sa.update(Grant)
            .where(Grant.id == theirs.grant_id)
            .values(refresh_lease_until=world.now + MINUTE)
        )
    monkeypatch.setattr(grants, "_WAIT_SECONDS", 0.3)
    report = world.sync(*links)
    assert report.synced == {mine.calendar_id}
    assert report.failed == {theirs.calendar_id: "refresh_busy"}
    assert world.grant_of(theirs).refresh_lease_until is not None, "theirs is left alone"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_channel_is_opened_and_stopped_with_a_new_token_where_the_old_one_ended(
    pushed: World,
) -> None:
    link = pushed.link()
    pushed.sync(link)
    pushed.google.expire_access_tokens()
    assert watching.open_channel(pushed.rt, link.calendar_id)
    assert [one.state for one in channels(pushed)] == ["open"]
    pushed.google.expire_access_tokens()
    watching.close_channels(pushed.rt, link.calendar_id)
    assert channels(pushed) == []
    assert pushed.google.control("GET", "channels")["channels"] == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_token_that_is_refused_for_ever_is_replaced_once_a_fetch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = world.link()
    world.sync(link)
    world.google.fault("authError", endpoint="events.list")
    world.forget_asked()
    assert world.sync(link).failed == {link.calendar_id: "authError"}
    assert len(world.asked("oauth.token")) == 1
    assert world.fresh(link).state == "linked"


def test_many_who_wait_for_a_discovery_document_that_does_not_come_wait_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = threading.Semaphore(0)
    all_wait = threading.Event()

    def away(url: str, timeout: float) -> dict[str, Any]:
        tried.release()
        assert all_wait.wait(20)
        raise CalendarError("nobody there", reason="unreachable")

    came = threading.Semaphore(0)

    def clock() -> float:
        came.release()
        return time.monotonic()

    monkeypatch.setattr(metadata, "fetch_json", away)
    document = metadata.Metadata("http://nowhere.example/", clock=clock)
    reasons: list[str] = []

    def ask() -> None:
        try:
            document.endpoint("token_endpoint")
        except CalendarError as error:
            reasons.append(error.reason)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert tried.acquire(timeout=20)
    for _ in range(len(threads) + 1):  # each as it comes, and whoever tries once more
        assert came.acquire(timeout=20)
    all_wait.set()
    for thread in threads:
        thread.join()
    assert reasons == ["unreachable"] * 8
    assert not tried.acquire(blocking=False)
    monkeypatch.setattr(metadata, "fetch_json", lambda *_: {"token_endpoint": "http://there"})
    assert document.endpoint("token_endpoint") == "http://there", "the next one tries anew"
