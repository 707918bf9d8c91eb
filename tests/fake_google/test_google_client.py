"""Google's own client library works against the local Google as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httplib2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from example_app.fake_google.process import LocalGoogle

from .conftest import FULL, JAN, at


@pytest.fixture
def service(google: LocalGoogle) -> Iterator[Any]:
    token = google.grant(JAN, scopes=FULL)["access_token"]
    http = httplib2.Http(timeout=10)
    found = build(
        "calendar",
        "v3",
        http=AuthorizedHttp(Credentials(token=token), http=http),
        static_discovery=True,
        client_options={"api_endpoint": f"{google.url}/calendar/v3/"},
    )
    yield found
    http.close()


def test_everything_that_the_product_asks_of_it(google: LocalGoogle, service: Any) -> None:
    calendars = service.calendarList().list().execute()["items"]
    assert [one["id"] for one in calendars] == [JAN]
    assert service.calendarList().get(calendarId="primary").execute()["accessRole"] == "owner"
    assert service.calendars().get(calendarId=JAN).execute()["timeZone"] == "Europe/Amsterdam"

    events = service.events()
    body = {
        "summary": "0612345678",
        "start": at("2026-03-03T10:00"),
        "end": at("2026-03-03T11:00"),
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=9"],
    }
    series = events.insert(calendarId=JAN, body=body).execute()
    listed: list[dict[str, Any]] = []
    request = events.list(
        calendarId=JAN,
        singleEvents=True,
        maxResults=4,
        maxAttendees=1,
        fields="items(id,summary,start,organizer),nextPageToken,nextSyncToken,timeZone,accessRole",
    )
    answer: dict[str, Any] = {}
    while request is not None:
        answer = request.execute()
        listed += answer["items"]
        request = events.list_next(request, answer)
    assert len(listed) == 9
    assert set(answer) == {"items", "nextSyncToken", "timeZone", "accessRole"}
    assert set(listed[0]) == {"id", "summary", "start", "organizer"}
    assert listed[0]["organizer"]["self"] is True

    assert len(events.instances(calendarId=JAN, eventId=series["id"]).execute()["items"]) == 9
    one = events.get(calendarId=JAN, eventId=listed[3]["id"]).execute()
    assert one["recurringEventId"] == series["id"]
    one["summary"] = "333"
    changed = events.update(calendarId=JAN, eventId=one["id"], body=one).execute()
    assert changed["summary"] == "333"
    events.patch(calendarId=JAN, eventId=series["id"], body={"summary": "334"}).execute()
    events.delete(calendarId=JAN, eventId=series["id"]).execute()
    assert events.list(calendarId=JAN).execute()["items"] == []
    imported = {
        "iCalUID": "abc@elsewhere",
        "summary": "x",
        "start": at("2026-03-03T10:00"),
        "end": at("2026-03-03T11:00"),
        "organizer": {"email": "boss@elsewhere.example"},
    }
    copy = events.import_(calendarId=JAN, body=imported).execute()
    assert "self" not in copy["organizer"]

    watch = {"id": "c1", "type": "web_hook", "address": "http://127.0.0.1:9/x", "token": "t"}
    channel = events.watch(calendarId=JAN, body=watch).execute()
    assert int(channel["expiration"]) > 1_772_000_000_000
    service.channels().stop(body={"id": "c1", "resourceId": channel["resourceId"]}).execute()


def test_a_refusal_can_be_read_as_one_of_google_s(google: LocalGoogle, service: Any) -> None:
    google.fault("userRateLimitExceeded", endpoint="events.*", count=1)
    with pytest.raises(HttpError) as refused:
        service.events().list(calendarId=JAN).execute()
    assert refused.value.status_code == 403
    assert refused.value.error_details[0]["reason"] == "userRateLimitExceeded"
    assert refused.value.error_details[0]["domain"] == "usageLimits"
    with pytest.raises(HttpError) as missing:
        service.events().get(calendarId=JAN, eventId="nothing").execute()
    assert missing.value.status_code == 404


def test_a_large_answer_is_gzipped(google: LocalGoogle, service: Any) -> None:
    for number in range(20):
        google.add_event(JAN, str(number), "2026-03-03T10:00:00Z", "2026-03-03T11:00:00Z")
    request = service.events().list(calendarId=JAN)
    seen: list[httplib2.Response] = []
    request.add_response_callback(seen.append)
    assert len(request.execute()["items"]) == 20
    assert seen[0]["-content-encoding"] == "gzip"
