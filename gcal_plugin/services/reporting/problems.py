"""What is wrong with a link: what it costs, and the one button that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ...domain.link_state import LinkState
from ...domain.reasons import Reason, Severity
from ...ports import Tenant
from ...store.tables import Calendar, Forwarding, Link
from ..switching.effect import Mode
from .meanwhile import Meanwhile
from .models import EventView, Mend, Problem, ProblemCode
from .names import Names

STALE_SHOWN = timedelta(minutes=15)
"""From here on a page says that the calendar was not read."""
_NOT_TAKEN = frozenset(
    {"refused_by_pbx", Reason.TOO_MANY.value, Reason.LOOP.value, Reason.CHANGES_CAP.value}
)
_MEANT = frozenset({Severity.REPAIRABLE, Severity.REFUSED})
"""What was meant as a forward and is none. Whoever declined knows it; ordinary texts are folded."""
_WEEK = timedelta(days=7)
_GAP = timedelta(hours=2)
"""A hole in a rota shorter than this is one that somebody forgot."""


def stale_since(
    link: Link, calendar: Calendar | None, now: datetime, *, push: bool, safety_seconds: float
) -> datetime | None:
    """The last successful reading, where it is too long ago to say nothing; else None.

    With push, silence is normal: only a failed fetch, or a missed safety fetch, makes it stale.
    """
    if calendar is None:
        return None
    read = calendar.synced_at or link.linked_at
    if read is None or now - read < STALE_SHOWN:
        return None
    if push and calendar.failures == 0 and now - read < timedelta(seconds=safety_seconds * 1.5):
        return None
    return read


def find_problems(
    link: Link,
    calendar: Calendar | None,
    forwarding: Forwarding | None,
    events: Sequence[EventView],
    *,
    now: datetime,
    names: Names,
    doing: Meanwhile,
    killed: bool,
    tenant: Tenant,
    stale: datetime | None,
    settings_url: str,
) -> list[Problem]:
    """The problems, the worst first."""
    missed = sum(event.forwards and event.held and event.start < now + _WEEK for event in events)
    found = _of_link(link, missed, killed=killed)
    if stale is not None:
        late = missed if doing.effect.mode is Mode.FALLBACK else 0
        follows = doing.effect.mode is Mode.FOLLOW and link.stale_choice != "keep"
        until = doing.effect.until if follows else None
        found.append(Problem(ProblemCode.STALE, Mend.REFRESH, stale, late, until=until))
    # What is wrong with the link says what calls do meanwhile, each with the one fallback number.
    to = () if doing.fallback is None else (names.of_destination(doing.fallback),)
    found = [replace(one, mode=doing.effect.mode, destinations=to) for one in found]
    if forwarding is not None and link.state == LinkState.LINKED:
        found += _of_exchange(forwarding, names)
    wrong = [
        event for event in events if event.severity in _MEANT and event.reason is not Reason.KILLED
    ]
    if wrong:
        found.append(
            Problem(
                ProblemCode.TYPED_WRONG,
                Mend.EDIT if wrong[0].url else Mend.NONE,
                missed=len(wrong),
                event=wrong[0],
                url=wrong[0].url,
            )
        )
    if calendar is not None and link.state == LinkState.LINKED:
        found += _of_calendar(link, calendar, tenant, settings_url)
        gap = find_gap(events, ZoneInfo(tenant.time_zone))
        if gap is not None:
            found.append(Problem(ProblemCode.GAP, Mend.PLAN, gap[0], until=gap[1]))
    if link.ends_at is not None:
        found.append(Problem(ProblemCode.ENDS, Mend.SUPPORT, until=link.ends_at))
    return found


def _of_link(link: Link, missed: int, *, killed: bool) -> list[Problem]:
    found: list[Problem] = []
    if link.state == LinkState.RECONNECT:
        found.append(Problem(ProblemCode.ACCESS_LOST, Mend.CONNECT, link.broken_at, missed))
    elif link.state == LinkState.CALENDAR_GONE:
        unreadable = link.broken_reason == "unreadable"
        code = ProblemCode.UNREADABLE if unreadable else ProblemCode.CALENDAR_GONE
        found.append(Problem(code, Mend.CHOOSE, link.broken_at, missed))
    if killed:
        found.append(Problem(ProblemCode.KILLED, Mend.SUPPORT, link.killed_at, missed))
    return found


def _of_exchange(forwarding: Forwarding, names: Names) -> list[Problem]:
    """What the exchange did not do. What the rules refused stands in the list of events."""
    found: list[Problem] = []
    not_taken = [entry for entry in forwarding.refused if entry[2] in _NOT_TAKEN]
    if not_taken:
        code = ProblemCode.PARTLY_REFUSED if forwarding.desired else ProblemCode.REFUSED
        reason = str(not_taken[0][2])
        found.append(
            Problem(
                code,
                Mend.RETRY,
                destinations=names.views(not_taken),
                reason=Reason(reason) if reason in set(Reason) else None,
                detail=forwarding.last_error or "",
            )
        )
    elif forwarding.failures:
        silent = forwarding.settled != forwarding.generation
        found.append(
            Problem(
                ProblemCode.UNREACHABLE if silent else ProblemCode.REFUSED,
                Mend.RETRY,
                forwarding.observed_at,
                detail=forwarding.last_error or "",
            )
        )
    if forwarding.contested_at is not None:
        found.append(Problem(ProblemCode.CONTESTED, Mend.RETRY, forwarding.contested_at))
    return found


def _of_calendar(
    link: Link, calendar: Calendar, tenant: Tenant, settings_url: str
) -> list[Problem]:
    found: list[Problem] = []
    if calendar.owner and not link.fallback_number:
        found.append(Problem(ProblemCode.SOMEBODY_ELSES, Mend.PRECAUTIONS, detail=calendar.owner))
    if calendar.time_zone != tenant.time_zone:
        zone = calendar.time_zone
        found.append(Problem(ProblemCode.OTHER_ZONE, Mend.EDIT, detail=zone, url=settings_url))
    return found


def find_gap(events: Sequence[EventView], zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The first short hole between two forwards of one rota; None where there is none.

    What is held forwards nothing, so nothing is missing beside it.
    A rota is what follows on within hours: a hole of at most two hours between the end of the last
    and the start of the next, where other forwards do adjoin. Over midnight it is a closing time.
    """
    runs = sorted((event.start, event.end) for event in events if event.forwards and not event.held)
    adjoining, holes = 0, []
    end: datetime | None = None
    for start, stop in runs:
        if end is not None and start <= end:
            adjoining += start == end
        elif end is not None and start - end <= _GAP:
            same_day = start.astimezone(zone).date() == end.astimezone(zone).date()
            holes += [(end, start)] if same_day else []
        end = stop if end is None else max(end, stop)
    return holes[0] if holes and adjoining >= 1 else None
