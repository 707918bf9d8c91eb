"""Google's Calendar API, through Google's own client library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode

import httplib2
from googleapiclient.discovery import build
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from ..ports import AccessToken, CalendarError, CalendarInfo, ChannelInfo, EventsPage
from .errors import from_answer, unreachable
from .reading import FIELDS, read_calendar, read_event
from .transport import Transports

PAGE_SIZE = 2500
"""The most that one page holds; every page costs one request of the quota."""

_LIST_FIELDS = (
    "nextPageToken,items(id,summary,summaryOverride,timeZone,accessRole,primary,dataOwner,"
    "backgroundColor,deleted)"
)
_USER_AGENT = "gcal-plugin (gzip)"
_PLACE = "PLACE"
"""Where a calendar's id goes in the address that all lists of events have in common."""


class GoogleCalendars:
    """`CalendarSource` on the Calendar API at `<api_root>/calendar/v3/`.

    The service is built once. Each thread keeps its own connection, and every request has a
    time-out.
    """

    def __init__(self, api_root: str, *, timeout: float = 10.0) -> None:
        self._transports = Transports(timeout)
        service = build(
            "calendar",
            "v3",
            http=self._transports.mine(),
            client_options={"api_endpoint": f"{api_root}/calendar/v3/"},
            static_discovery=True,
            cache_discovery=False,
        )
        # Asking the service for a resource costs milliseconds each time, so each is kept.
        self._events: Any = service.events()
        self._calendar_list: Any = service.calendarList()
        self._channels: Any = service.channels()
        # A list of events differs from the next in its calendar and its token only. The library
        # writes what they have in common once: it takes longer over that than over the request.
        self._list: Any = self._events.list(
            calendarId=_PLACE,
            singleEvents=True,
            maxAttendees=1,
            maxResults=PAGE_SIZE,
            fields=FIELDS,
        )
        self._before, _, self._after = self._list.uri.rpartition(f"/{_PLACE}/")

    def expect(self, accesses: Sequence[AccessToken]) -> None:
        """Nothing to prepare: whoever counts requests stands before this."""

    def calendars(self, access: AccessToken) -> list[CalendarInfo]:
        """The whole list, page by page."""
        found: list[CalendarInfo] = []
        page: str | None = None
        while True:
            asked = {"pageToken": page} if page else {}
            answer = self._ask(
                access,
                self._calendar_list.list(
                    maxResults=250, showHidden=True, fields=_LIST_FIELDS, **asked
                ),
            )
            found += [read_calendar(item) for item in answer.get("items", ()) if "id" in item]
            page = answer.get("nextPageToken")
            if not page:
                return [_with_owner(info, found) for info in found]

    def events(
        self,
        access: AccessToken,
        calendar_id: str,
        *,
        sync_token: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page_token: str | None = None,
    ) -> EventsPage:
        """One page. A delta never carries a time window: Google refuses the two together."""
        if (sync_token is None) == (window is None):
            raise ValueError("ask either for a delta or for a window")
        asked: dict[str, Any] = {}
        if sync_token is not None:
            asked["syncToken"] = sync_token
        if window is not None:
            asked["timeMin"], asked["timeMax"] = (_rfc3339(moment) for moment in window)
        if page_token is not None:
            asked["pageToken"] = page_token
        uri = f"{self._before}/{quote(calendar_id, safe='')}/{self._after}&{urlencode(asked)}"
        answer = self._ask(
            access,
            HttpRequest(
                None,
                self._list.postproc,
                uri,
                headers=dict(self._list.headers),
                methodId=self._list.methodId,
            ),
        )
        role = answer.get("accessRole", "")
        read = (read_event(item, role) for item in answer.get("items", ()))
        return EventsPage(
            events=[event for event in read if event is not None],
            time_zone=answer.get("timeZone", ""),
            access_role=role,
            next_page_token=answer.get("nextPageToken"),
            next_sync_token=answer.get("nextSyncToken"),
        )

    def watch(
        self, access: AccessToken, calendar_id: str, *, channel_id: str, token: str, address: str
    ) -> ChannelInfo:
        """Open a push channel for as long as Google grants by itself."""
        body = {"id": channel_id, "type": "web_hook", "address": address, "token": token}
        answer = self._ask(
            access,
            self._events.watch(
                calendarId=calendar_id,
                body=body,
                singleEvents=True,
                fields="id,resourceId,expiration",
            ),
        )
        try:
            expires = datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
            return ChannelInfo(answer["id"], answer["resourceId"], expires)
        except (KeyError, ValueError, OverflowError) as error:
            raise unreachable(error) from error

    def stop(self, access: AccessToken, channel_id: str, resource_id: str) -> None:
        """Close a push channel; one that Google does not know is closed already."""
        body = {"id": channel_id, "resourceId": resource_id}
        try:
            self._ask(access, self._channels.stop(body=body))
        except CalendarError as error:
            if error.status != 404 or not error.permanent:
                raise

    def close(self) -> None:
        """Close every thread's connection; the next request opens a new one."""
        self._transports.close()

    def _ask(self, access: AccessToken, request: Any) -> dict[str, Any]:
        request.headers["authorization"] = f"Bearer {access.value}"
        request.headers["user-agent"] = _USER_AGENT
        execute: Callable[..., Any] = request.execute
        try:
            answer = execute(http=self._transports.mine())
        except HttpError as error:
            # Not chained: the library's error quotes the address that was asked for.
            raise from_answer(int(error.resp.status), error.resp, error.content) from None
        except (
            OSError,
            HTTPException,
            httplib2.HttpLib2Error,
            ClientError,
            ValueError,
        ) as error:
            raise unreachable(error) from error
        if answer == "" or answer is None:
            return {}
        if not isinstance(answer, dict):
            raise unreachable(TypeError("the answer is not an object"))
        return answer


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_owner(info: CalendarInfo, everything: list[CalendarInfo]) -> CalendarInfo:
    """Say whose a calendar is, where it is somebody else's.

    Google names the owner of secondary calendars only; another person's main calendar has that
    person's address as its id. Holidays, birthdays and the like (`#` in the id) are nobody's.
    """
    me = next((other.id for other in everything if other.primary), "")
    owner = info.owner
    group = info.id.endswith((".calendar.google.com", ".v.calendar.google.com"))
    if not owner and not info.primary and "@" in info.id and not group and "#" not in info.id:
        owner = info.id
    return replace(info, owner="" if owner == me else owner)
