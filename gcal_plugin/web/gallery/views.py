"""The view models of the nineteen states, and of a busy and an empty week."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from ...domain.reasons import Reason, severity
from ...ports import ExtensionKind
from ...services.reporting import (
    ActivityView,
    CalendarFacts,
    DestinationView,
    EventView,
    LinkFacts,
    Mend,
    Mode,
    PageState,
    Problem,
    ProblemCode,
    RequestView,
    StatusView,
    StepView,
)
from ...services.reporting.week import week_of
from .people import NOW, ZONE, at

LINK = UUID("0198f0aa-0000-7000-8000-000000000200")

MOBILE = DestinationView("number", "+31612345678")
OFFICE = DestinationView("number", "+31201234568", "Kantoor", ExtensionKind.PHONE)
WORKSHOP = DestinationView("extension", "333", "Werkplaats", ExtensionKind.PHONE)
BELGIUM = DestinationView("number", "+32471234567")


def event(
    start: datetime,
    end: datetime,
    to: DestinationView | None,
    reason: Reason | None = None,
    suggestion: str | None = None,
    *,
    all_day: bool = False,
) -> EventView:
    """One appointment."""
    return EventView(
        event_id=f"e{start:%d%H%M}",
        start=start,
        end=end,
        all_day=all_day,
        destination=to,
        reason=reason,
        severity=severity(reason) if reason else None,
        suggestion=suggestion,
        running=start <= NOW < end,
        url="https://calendar.google.com/calendar/event?eid=voorbeeld",
    )


NEXT = event(at(1, "09:00"), at(1, "12:30"), WORKSHOP)
LATER = (
    NEXT,
    event(at(1, "13:00"), at(1, "17:00"), None, Reason.TEXT_BESIDE_NUMBER, "0612345678"),
    event(at(2, "17:30"), at(3, "08:30"), MOBILE),
    event(at(3, "09:00"), at(3, "17:00"), BELGIUM, Reason.COUNTRY_CLOSED),
    event(at(4, "00:00"), at(5, "00:00"), OFFICE, all_day=True),
    event(at(5, "10:00"), at(5, "11:00"), MOBILE, Reason.DECLINED),
)
RUNNING = event(at(0, "09:00"), at(0, "17:00"), MOBILE)
HELD = tuple(replace(one, held=one.forwards) for one in LATER)
FAR = (
    *(event(at(7 + day, "17:30"), at(8 + day, "08:30"), MOBILE) for day in range(4)),
    event(at(12, "09:00"), at(12, "17:00"), None, Reason.MISSING_ZERO, "0612345678"),
    event(at(14, "09:00"), at(14, "17:00"), WORKSHOP),
)
"""Beyond the week: folded away."""

_ACTIVITY = (
    ActivityView(
        at(0, "09:00"),
        "forward_set",
        destinations=(MOBILE,),
        late=0.4,
        outcome="done",
        url=RUNNING.url,
    ),
    ActivityView(at(-1, "17:00"), "forward_cleared", late=0.3, outcome="done"),
    ActivityView(
        at(-1, "13:00"), "push_failed", late=None, outcome="temporary", detail="time-out na 5 s"
    ),
    ActivityView(at(-3, "10:12"), "calendar_chosen", actor="you"),
    ActivityView(at(-3, "10:11"), "connected", actor="you"),
)

_CALENDAR = CalendarFacts(
    name="Bereikbaarheid",
    google_id="c_bereikbaarheid@group.calendar.google.com",
    owner="",
    time_zone="Europe/Amsterdam",
    access_role="owner",
    synced_at=NOW - timedelta(minutes=2),
    push=True,
    poll_seconds=60,
)
FACTS = LinkFacts(
    id=LINK,
    extension="200",
    name="Winkel",
    kind=ExtensionKind.PHONE,
    mine=True,
    email="jan@bakkerij-jansen.example",
    granted_at=at(-40, "10:11"),
    linked_at=at(-40, "10:12"),
    calendar=_CALENDAR,
    fallback=OFFICE,
    second_contact="els@bakkerij-jansen.example",
    app_name="Google Calendar Integratie",
)
_BARE = replace(FACTS, calendar=None, email="", granted_at=None, linked_at=None, fallback=None)


def _linked(state: PageState, events: tuple[EventView, ...], **facts: object) -> StatusView:
    base = StatusView(
        state=state,
        link=FACTS,
        events=events,
        ordinary=14,
        upcoming=next(
            (one for one in events if one.forwards and not one.running and not one.held), None
        ),
        activity=_ACTIVITY,
        week=week_of(events, NOW, ZONE),
    )
    return replace(base, **facts)  # type: ignore[arg-type]  # the caller names real fields


def _request(state: str, place: int, **facts: object) -> RequestView:
    codes = ("requested", "quoted", "agreed", "provisioning", "ready", "linked")
    owners = ("you", "us", "you", "us", "us", "you")
    waiting = place if state == "provisioning" else place + 1
    steps = tuple(
        StepView(
            code,
            "done" if index < waiting else "now" if index == waiting else "later",
            at(index - place - 1, "11:00") if index <= place else None,
            owners[index],
        )
        for index, code in enumerate(codes)
    )
    base = RequestView(LINK, state, "200", at(-4, "11:00"), steps)
    return replace(base, **facts)  # type: ignore[arg-type]  # the caller names real fields


_PRICED = {"monthly_price": Decimal("12.50"), "once_price": Decimal("25.00"),
           "vat_percent": Decimal(21), "valid_until": at(30, "23:59")}  # fmt: skip


def views() -> dict[PageState, StatusView]:
    """One view for each state."""
    stale = replace(_CALENDAR, synced_at=NOW - timedelta(hours=3), push=False)
    broken = NOW - timedelta(hours=2)
    none = StatusView(PageState.READY, link=_BARE)
    alone = replace(FACTS, fallback=None)
    return {
        PageState.UNAVAILABLE: StatusView(PageState.UNAVAILABLE),
        PageState.NOT_CONFIGURED: StatusView(PageState.NOT_CONFIGURED),
        PageState.REQUESTED: StatusView(PageState.REQUESTED, request=_request("requested", 0)),
        PageState.QUOTED: StatusView(PageState.QUOTED, request=_request("quoted", 1, **_PRICED)),
        PageState.AGREED: StatusView(PageState.AGREED, request=_request("agreed", 2, **_PRICED)),
        PageState.PROVISIONING: StatusView(
            PageState.PROVISIONING, request=_request("provisioning", 3, **_PRICED)
        ),
        PageState.READY: none,
        PageState.CANCELLED: replace(none, state=PageState.CANCELLED),
        PageState.SCOPE: replace(none, state=PageState.SCOPE),
        PageState.NO_CALENDAR: replace(none, state=PageState.NO_CALENDAR),
        PageState.IDLE: _linked(PageState.IDLE, (*LATER, *FAR)),
        PageState.FORWARDING: _linked(
            PageState.FORWARDING,
            (RUNNING, *LATER),
            ringing=(MOBILE,),
            until=at(0, "17:00"),
            problems=(
                Problem(
                    ProblemCode.TYPED_WRONG, Mend.EDIT, missed=2, event=LATER[1], url=LATER[1].url
                ),
            ),
        ),
        PageState.STALE: _linked(
            PageState.STALE,
            (RUNNING, *LATER),
            link=replace(FACTS, calendar=stale),
            ringing=(MOBILE,),
            until=at(0, "17:00"),
            problems=(Problem(ProblemCode.STALE, Mend.REFRESH, stale.synced_at),),
        ),
        PageState.RECONNECT: _linked(
            PageState.RECONNECT,
            HELD,
            mode=Mode.CLEAR,
            link=alone,
            problems=(Problem(ProblemCode.ACCESS_LOST, Mend.CONNECT, broken, missed=3),),
        ),
        PageState.GONE: _linked(
            PageState.GONE,
            HELD,
            mode=Mode.CLEAR,
            link=alone,
            problems=(Problem(ProblemCode.CALENDAR_GONE, Mend.CHOOSE, broken, missed=3),),
        ),
        PageState.REFUSED: _linked(
            PageState.REFUSED,
            (RUNNING, *LATER),
            problems=(
                Problem(
                    ProblemCode.REFUSED,
                    Mend.RETRY,
                    at(0, "09:00"),
                    destinations=(MOBILE,),
                    detail="403: bestemming niet toegestaan",
                ),
            ),
        ),
        PageState.PAUSED: _linked(
            PageState.PAUSED,
            HELD,
            mode=Mode.CLEAR,
            link=replace(FACTS, paused=True, paused_until=at(6, "08:00"), fallback=None),
            upcoming=None,
            problems=(
                Problem(ProblemCode.GAP, Mend.PLAN, at(7, "12:30"), until=at(7, "13:00")),
                Problem(
                    ProblemCode.OTHER_ZONE,
                    Mend.EDIT,
                    detail="America/New_York",
                    url="https://calendar.google.com/calendar/r/settings",
                ),
                Problem(
                    ProblemCode.SOMEBODY_ELSES,
                    Mend.PRECAUTIONS,
                    detail="els@bakkerij-jansen.example",
                ),
            ),
        ),
        PageState.CONFIRM: _linked(PageState.CONFIRM, LATER),
        PageState.DISCONNECTED: replace(none, state=PageState.DISCONNECTED),
    }
