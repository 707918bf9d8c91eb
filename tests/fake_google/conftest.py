"""A local Google per test process, emptied for each test; its answers must fit Google's schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from example_app.fake_google.process import LocalGoogle

FULL = "openid email https://www.googleapis.com/auth/calendar"
JAN = "jan@bakery.example"
T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday; the clocks go forward on 29 March


@pytest.fixture(scope="session")
def shared_google() -> Iterator[LocalGoogle]:
    """One server for all tests of this folder."""
    with LocalGoogle() as server:
        yield server
        assert server.violations() == [], "an answer does not fit Google's own schema"


@pytest.fixture
def google(shared_google: LocalGoogle) -> LocalGoogle:
    """The server, empty, at a fixed instant, with one account."""
    shared_google.reset()
    shared_google.clock(now=T0.isoformat())
    shared_google.add_account(JAN, name="Jan")
    return shared_google


class Api:
    """The Calendar API as one account sees it, without any client library in between."""

    def __init__(self, google: LocalGoogle, email: str, scopes: str = FULL) -> None:
        self.tokens = google.grant(email, scopes=scopes)
        self.http = httpx.Client(
            base_url=f"{google.url}/calendar/v3",
            headers={"Authorization": f"Bearer {self.tokens['access_token']}"},
            timeout=30,
        )

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        """One request; booleans in Google's spelling."""
        spelled = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in params.items()
        }
        return self.http.request(method, path, json=body, params=spelled)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """One answer that must be a success."""
        answer = self.call("GET", path, **params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def events(self, calendar: str = "primary", **params: Any) -> dict[str, Any]:
        """All pages of a list, as one answer."""
        answer = self.get(f"/calendars/{calendar}/events", **params)
        items = answer["items"]
        while "nextPageToken" in answer:
            assert "nextSyncToken" not in answer, "only the last page has the sync token"
            token = answer["nextPageToken"]
            answer = self.get(f"/calendars/{calendar}/events", **params, pageToken=token)
            items += answer["items"]
        return {**answer, "items": items}

    def make(self, calendar: str = "primary", **body: Any) -> dict[str, Any]:
        """A new event."""
        answer = self.call("POST", f"/calendars/{calendar}/events", body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def as_user(google: LocalGoogle) -> Iterator[Callable[..., Api]]:
    """Makes the API as some account sees it."""
    with ExitStack() as stack:

        def make(email: str, scopes: str = FULL) -> Api:
            made = Api(google, email, scopes)
            stack.callback(made.http.close)
            return made

        yield make


@pytest.fixture
def api(as_user: Callable[..., Api]) -> Api:
    """The API as Jan sees it, with every Calendar scope."""
    return as_user(JAN)


def at(text: str, zone: str = "Europe/Amsterdam") -> dict[str, str]:
    """A start or end from wall-clock time."""
    return {"dateTime": f"{text}:00", "timeZone": zone}


def day(text: str) -> dict[str, str]:
    """A start or end of an all-day event."""
    return {"date": text}


def reason(answer: httpx.Response) -> str:
    """The reason code of a refusal in Google's shape."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["errors"][0]["message"] == error["message"]
    return str(error["errors"][0]["reason"])
