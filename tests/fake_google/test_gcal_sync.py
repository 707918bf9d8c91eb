"""An independent client, gcal-sync from PyPI, works against the local Google as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from gcal_sync.api import GoogleCalendarService, ListEventsRequest
from gcal_sync.auth import AbstractAuth
from gcal_sync.exceptions import ApiForbiddenException, AuthException
from gcal_sync.model import DateOrDatetime, Event
from gcal_sync.sync import CalendarEventSyncManager, CalendarListSyncManager

from example_app.fake_google.process import LocalGoogle

from .conftest import FULL, JAN, T0


class Bearer(AbstractAuth):
    """Hands out one access token."""

    token = ""

    async def async_get_access_token(self) -> str:
        return self.token


@pytest_asyncio.fixture
async def service(google: LocalGoogle) -> AsyncIterator[GoogleCalendarService]:
    google.clock(reset=True)  # this client lists from the machine's own present
    async with aiohttp.ClientSession() as session:
        auth = Bearer(session, f"{google.url}/calendar/v3")
        auth.token = google.grant(JAN, scopes=FULL)["access_token"]
        yield GoogleCalendarService(auth)


def event(title: str, start: datetime) -> Event:
    return Event(
        summary=title,
        start=DateOrDatetime(date_time=start, timezone="Europe/Amsterdam"),
        end=DateOrDatetime(date_time=start + timedelta(hours=1), timezone="Europe/Amsterdam"),
    )


def instant(found: Event) -> datetime:
    assert found.start.date_time is not None
    return found.start.date_time.astimezone(UTC)


async def titles(manager: CalendarEventSyncManager) -> list[str]:
    await manager.run()
    timeline = await manager.store_service.async_get_timeline()
    return [found.summary for found in timeline]


@pytest.mark.asyncio
async def test_calendar_list_and_its_delta(
    google: LocalGoogle, service: GoogleCalendarService
) -> None:
    manager = CalendarListSyncManager(service)
    await manager.run()
    google.add_calendar("rota@group.example", JAN, summary="Rota")
    await manager.run()
    found = (await manager.store_service.async_list_calendars()).calendars
    assert [(one.id, one.summary, one.access_role.value) for one in found] == [
        (JAN, JAN, "owner"),
        ("rota@group.example", "Rota", "owner"),
    ]
    single = await service.async_get_calendar("primary")
    assert single.id == JAN


@pytest.mark.asyncio
async def test_create_patch_and_delete_come_as_deltas(
    google: LocalGoogle, service: GoogleCalendarService
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    manager = CalendarEventSyncManager(service, JAN)
    assert await titles(manager) == []
    await service.async_create_event(JAN, event("0612345678", start))
    await service.async_create_event(JAN, event("333", start + timedelta(hours=2)))
    assert await titles(manager) == ["0612345678", "333"]
    listed = await service.async_list_events(ListEventsRequest(calendar_id=JAN))
    first = str(listed.items[0].id)
    await service.async_patch_event(JAN, first, {"summary": "0687654321"})
    assert await titles(manager) == ["0687654321", "333"]
    assert (await service.async_get_event(JAN, first)).summary == "0687654321"
    await service.async_delete_event(JAN, first)
    assert await titles(manager) == ["333"]
    deltas = [one for one in google.requests("events.list") if "syncToken" in one["path"]]
    assert len(deltas) == 3


@pytest.mark.asyncio
async def test_recovery_after_410(google: LocalGoogle, service: GoogleCalendarService) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    await service.async_create_event(JAN, event("0612345678", start))
    manager = CalendarEventSyncManager(service, JAN)
    assert await titles(manager) == ["0612345678"]
    google.expire_sync_tokens(JAN)
    await service.async_create_event(JAN, event("333", start + timedelta(hours=2)))
    assert await titles(manager) == ["0612345678", "333"]
    assert google.counters()["reasons"]["events.list fullSyncRequired"] == 1


@pytest.mark.asyncio
async def test_a_series_is_expanded_alike_on_both_sides(
    google: LocalGoogle, service: GoogleCalendarService
) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    series = event("0612345678", start)
    series.recurrence = ["RRULE:FREQ=WEEKLY;COUNT=60"]  # both changes of the clocks are in it
    await service.async_create_event(JAN, series)
    manager = CalendarEventSyncManager(service, JAN)
    await manager.run()
    theirs = [instant(found) for found in await manager.store_service.async_get_timeline()]
    request = ListEventsRequest(
        calendar_id=JAN, start_time=start - timedelta(days=1), end_time=start + timedelta(days=700)
    )
    ours = [
        instant(found)
        async for page in await service.async_list_events(request)
        for found in page.items
    ]
    assert len(ours) == 60
    assert ours == theirs


@pytest.mark.asyncio
async def test_pages_and_refusals_reach_this_client_as_google_s_do(
    google: LocalGoogle, service: GoogleCalendarService
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    for number in range(5):
        await service.async_create_event(JAN, event(str(number), start))
    google.fault("page_size", endpoint="events.list", size=2)
    assert len(await titles(CalendarEventSyncManager(service, JAN))) == 5
    google.clear_faults()
    google.fault("rateLimitExceeded", endpoint="events.list", count=1)
    with pytest.raises(ApiForbiddenException):
        await service.async_list_events(ListEventsRequest(calendar_id=JAN))
    google.expire_access_tokens()
    with pytest.raises(AuthException):
        await service.async_list_events(ListEventsRequest(calendar_id=JAN, start_time=T0))
