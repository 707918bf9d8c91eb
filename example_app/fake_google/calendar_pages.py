"""The small calendar that a person uses: see, make, change and delete events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web
from babel.dates import format_date, format_datetime, format_time

from . import editing
from .calendar_form import REPEATS, Form, FormFault, quick
from .errors import ApiError
from .html import own_page, page
from .i18n import choose
from .listing import Query, Row, rows
from .model import DETAIL_ROLES, WRITING_ROLES, Account, Calendar, Json
from .recurrence import event_span
from .server import Server
from .view import Lens

_AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose eyes look at which calendar."""

    account: Account
    calendar: Calendar
    role: str

    @property
    def zone(self) -> ZoneInfo:
        """The calendar's zone: all times on the page are in it."""
        return ZoneInfo(self.calendar.time_zone)

    @property
    def writable(self) -> bool:
        """Whether this account may change events here."""
        return self.role in WRITING_ROLES

    @property
    def query(self) -> str:
        """The place as a query string."""
        return urlencode({"account": self.account.email, "calendar": self.calendar.id})


@dataclass(frozen=True, slots=True)
class Line:
    """One coming event in the table; `title` is empty where the account may not read it."""

    event_id: str
    series_id: str
    title: str
    when: str

    @classmethod
    def of(cls, event: Json, when: str) -> Line:
        """From an event in Google's shape."""
        return cls(event["id"], event.get("recurringEventId", ""), event.get("summary", ""), when)


class CalendarPages:
    """Handlers of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.state = server.state

    def routes(self) -> list[web.RouteDef]:
        """What is reachable where."""
        return [
            web.get("/", self.start),
            web.get("/calendar", self.show),
            web.get("/calendar/render", self.template),
            web.get("/calendar/event", self.by_link),
            web.get("/calendar/edit", self.edit),
            web.post("/calendar/save", self.save),
            web.post("/calendar/delete", self.delete),
            web.post("/calendar/quick", self.quick),
        ]

    async def start(self, request: web.Request) -> web.StreamResponse:
        """What this is, and where to go."""
        accounts = list(self.state.accounts.values())[:50]
        return page(request, "start.html", accounts=accounts, url=self.server.url)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The calendars of an account, and the coming events of one of them."""
        if not self.state.accounts:
            return page(request, "start.html", accounts=[], url=self.server.url)
        place = self._place(request.query.get("account"), request.query.get("calendar"))
        language = choose(request.headers.get("Accept-Language", ""))
        now = self.state.now()
        query = Query(single=True, time_min=now, time_max=now + _AHEAD, order_by="startTime")
        lens = Lens(place.calendar, place.role, place.zone)
        shown = [
            Line.of(row.show(lens), _when(row, place.zone, language))
            for row in rows(place.calendar, query, now)[:200]
        ]
        return page(
            request,
            "calendar.html",
            place=place,
            shown=shown,
            form=Form.fresh(now, place.zone),
            repeats=list(REPEATS),
            event_id="",
            calendars=self._calendars(place.account),
            details=place.role in DETAIL_ROLES,
            accounts=list(self.state.accounts.values())[:50],
            said=request.query.get("said", ""),
        )

    async def template(self, request: web.Request) -> web.StreamResponse:
        """The address that other programs link to: a new event, filled in beforehand."""
        place = self._place(request.query.get("account"), request.query.get("src"))
        try:
            form = Form.of_template(request.query, self.state.now(), place.zone)
        except (ValueError, KeyError):
            form = Form.fresh(self.state.now(), place.zone)
        return self._form(request, place, form, "")

    async def by_link(self, request: web.Request) -> web.StreamResponse:
        """The page behind an event's `htmlLink`."""
        event_id = request.query.get("eid", "")
        for calendar in self.state.calendars.values():
            try:
                editing.changeable(calendar, event_id)
            except ApiError:
                continue
            reader = calendar.owner or next(iter(calendar.acl), "")
            query = {"account": reader, "calendar": calendar.id, "event": event_id}
            raise web.HTTPFound(f"/calendar/edit?{urlencode(query)}")
        raise web.HTTPNotFound(text="There is no such event.")

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """The form of one event, of a series, or of one instance of it."""
        place = self._place(request.query.get("account"), request.query.get("calendar"))
        event_id = request.query.get("event", "")
        try:
            stored = editing.changeable(place.calendar, event_id)
        except ApiError as error:
            raise web.HTTPNotFound(text=error.message) from error
        if place.role not in DETAIL_ROLES:
            raise web.HTTPForbidden(text="This account may not change events here.")
        return self._form(request, place, Form.of_event(stored.body, place.zone), event_id)

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Make or change an event."""
        own_page(request)
        given = await request.post()
        place = self._writable(given)
        form, event_id = Form.read(given), str(given.get("event", ""))
        try:
            body = form.event(place.zone)
            if event_id:
                editing.patch(self.state, place.calendar, event_id, body)
            else:
                editing.insert(
                    self.state, place.calendar, place.account.email, _without_nulls(body)
                )
        except FormFault as fault:
            return self._form(request, place, form, event_id, fault=str(fault))
        except ApiError:
            return self._form(request, place, form, event_id, fault="fault_refused")
        return self._back(place, "saved")

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete an event, one instance, or a whole series."""
        own_page(request)
        given = await request.post()
        place = self._writable(given)
        try:
            editing.delete(self.state, place.calendar, str(given.get("event", "")))
        except ApiError as error:
            raise web.HTTPNotFound(text=error.message) from error
        return self._back(place, "deleted")

    async def quick(self, request: web.Request) -> web.StreamResponse:
        """An event from the next minute on, for two minutes: to see a forward work now."""
        own_page(request)
        given = await request.post()
        place = self._writable(given)
        body = quick(str(given.get("title", "")), self.state.now(), place.zone)
        editing.insert(self.state, place.calendar, place.account.email, body)
        return self._back(place, "saved")

    # -- parts -----------------------------------------------------------------------------------

    def _place(self, email: str | None, calendar_id: str | None) -> Place:
        account = self.state.accounts.get(email or "") or next(
            iter(self.state.accounts.values()), None
        )
        if account is None:
            raise web.HTTPNotFound(text="There are no accounts yet.")
        visible = {calendar.id: role for calendar, role in self._calendars(account)}
        if not visible:
            raise web.HTTPNotFound(text="This account has no calendars.")
        chosen = calendar_id if calendar_id in visible else next(iter(visible))
        return Place(account, self.state.calendars[str(chosen)], visible[str(chosen)])

    def _writable(self, given: object) -> Place:
        read: Callable[[str, str], object] = given.get  # type: ignore[attr-defined]
        account, calendar = str(read("account", "")), str(read("calendar", ""))
        place = self._place(account, calendar)
        if place.account.email != account or place.calendar.id != calendar or not place.writable:
            raise web.HTTPForbidden(text="This account may not change events here.")
        return place

    def _calendars(self, account: Account) -> list[tuple[Calendar, str]]:
        found = []
        for name, entry in account.entries.items():
            calendar = self.state.calendars.get(name)
            if calendar and not entry.deleted and calendar.role(account.email) != "none":
                found.append((calendar, calendar.role(account.email)))
        return found

    def _form(
        self, request: web.Request, place: Place, form: Form, event_id: str, fault: str = ""
    ) -> web.StreamResponse:
        choices = [
            calendar for calendar, role in self._calendars(place.account) if role in WRITING_ROLES
        ]
        return page(
            request,
            "edit.html",
            status=400 if fault else 200,
            place=place,
            form=form,
            event_id=event_id,
            fault=fault,
            repeats=list(REPEATS),
            choices=choices,
            accounts=list(self.state.accounts.values())[:50],
        )

    def _back(self, place: Place, said: str) -> web.StreamResponse:
        self.state.storage.flush()
        return web.HTTPSeeOther(f"/calendar?{place.query}&said={said}")


def _without_nulls(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}


def _when(row: Row, zone: ZoneInfo, language: str) -> str:
    """A row's time as people read it, in the calendar's zone."""
    if row.occurrence:
        start, end = row.occurrence.start, row.occurrence.end
    else:
        start, end = event_span(row.event.body, zone)
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        first = format_date(start, "EEE d MMM", locale=language)
        last = end - timedelta(days=1)
        return first if last <= start else f"{first} – {format_date(last, 'EEE d MMM', language)}"
    begin, until = start.astimezone(zone), end.astimezone(zone)
    text = format_datetime(begin, "EEE d MMM HH:mm", tzinfo=zone, locale=language)
    if begin.date() == until.date():
        return f"{text} – {format_time(until, 'HH:mm', tzinfo=zone, locale=language)}"
    last_day = format_datetime(until, "EEE d MMM HH:mm", tzinfo=zone, locale=language)
    return f"{text} – {last_day}"
