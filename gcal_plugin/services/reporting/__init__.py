"""What pages, mails and the board show: plain values, read in a fixed number of queries."""

from __future__ import annotations

from ..switching.effect import Mode
from .asking import ask_refresh, verdict_on
from .board import BoardView, TenantRow, Wrong, WrongRow, board
from .events import calendar_root
from .machinery import Halted, Standstill
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
from .status import link_ids, status_of

__all__ = [
    "ActivityView",
    "BoardView",
    "CalendarFacts",
    "DestinationView",
    "EventView",
    "Halted",
    "LinkFacts",
    "Mend",
    "Mode",
    "PageState",
    "Problem",
    "ProblemCode",
    "RequestView",
    "Standstill",
    "StatusView",
    "StepView",
    "TenantRow",
    "WeekBar",
    "WeekView",
    "Wrong",
    "WrongRow",
    "ask_refresh",
    "board",
    "calendar_root",
    "link_ids",
    "status_of",
    "verdict_on",
]
