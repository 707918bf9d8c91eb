"""What pages, mails and the board show: plain values, read in a fixed number of queries."""

from __future__ import annotations

from .asking import ask_refresh, verdict_on
from .events import calendar_root
from .models import (
    ActivityView,
    CalendarFacts,
    DestinationView,
    EventView,
    LinkFacts,
    Mend,
    PageState,
    Problem,
    ProblemCode,
    RequestView,
    StatusView,
    StepView,
    WeekBar,
    WeekView,
)
from .operators import OperatorRow, operator_rows
from .status import link_ids, status_of

__all__ = [
    "ActivityView",
    "CalendarFacts",
    "DestinationView",
    "EventView",
    "LinkFacts",
    "Mend",
    "OperatorRow",
    "PageState",
    "Problem",
    "ProblemCode",
    "RequestView",
    "StatusView",
    "StepView",
    "WeekBar",
    "WeekView",
    "ask_refresh",
    "calendar_root",
    "link_ids",
    "operator_rows",
    "status_of",
    "verdict_on",
]
