"""Status pages of links that do something else than follow their calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ...services.reporting import EventView, Mend, Mode, PageState, Problem, ProblemCode, StatusView
from ...services.reporting.week import week_of
from .people import NOW, ZONE
from .views import FACTS, HELD, MOBILE, OFFICE, RUNNING, views

BROKEN = NOW - timedelta(hours=2)
UNREAD = NOW - timedelta(days=3)


def meanwhile_views() -> dict[str, StatusView]:
    """One view for each, by the name of its page."""
    every = views()
    running = replace(RUNNING, held=True)
    fallback = {"mode": Mode.FALLBACK, "link": FACTS, "ringing": (OFFICE,), "upcoming": None}
    unread = replace(FACTS, calendar=every[PageState.STALE].link.calendar)  # type: ignore[union-attr]
    unread = replace(unread, calendar=replace(unread.calendar, synced_at=UNREAD))  # type: ignore[type-var]
    return {
        "reconnect-fallback": _view(
            every[PageState.RECONNECT],
            (running, *HELD),
            Problem(ProblemCode.ACCESS_LOST, Mend.CONNECT, BROKEN, 4, (OFFICE,), Mode.FALLBACK),
            **fallback,
        ),
        "unreadable": _view(
            every[PageState.GONE],
            (RUNNING, *HELD),
            Problem(ProblemCode.UNREADABLE, Mend.CHOOSE, BROKEN, 3, mode=Mode.FINISH),
            mode=Mode.FINISH,
            ringing=(MOBILE,),
        ),
        "stale-stop": _view(
            every[PageState.STALE],
            (RUNNING, *HELD),
            Problem(ProblemCode.STALE, Mend.REFRESH, UNREAD, mode=Mode.FINISH),
            mode=Mode.FINISH,
            link=replace(unread, stale_choice="stop", fallback=None),
            upcoming=None,
        ),
        "stale-fallback": _view(
            every[PageState.STALE],
            (running, *HELD),
            Problem(ProblemCode.STALE, Mend.REFRESH, UNREAD, 4, (OFFICE,), Mode.FALLBACK),
            **fallback | {"link": replace(unread, stale_choice="fallback")},
        ),
        "unreachable": _view(
            every[PageState.REFUSED],
            every[PageState.REFUSED].events,
            Problem(ProblemCode.UNREACHABLE, Mend.RETRY, BROKEN, detail="time-out"),
        ),
    }


def _view(
    base: StatusView, events: tuple[EventView, ...], problem: Problem, **facts: object
) -> StatusView:
    made = replace(base, events=events, problems=(problem,), week=week_of(events, NOW, ZONE))
    return replace(made, **facts)  # type: ignore[arg-type]  # the caller names real fields
