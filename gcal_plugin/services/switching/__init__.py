"""Switching: what is due is claimed, worked out, pushed at its instant, read back and recorded.

Level-triggered throughout: each step looks at what should be true now, never at what was missed.
"""

from __future__ import annotations

from ...store.queries_switching import mark_due
from .batch import Armed, Ready, finish, fire, hold_on, look_again, prepare, switch_batch
from .due import Batch, anything_near, due_batches
from .effect import Effect, Mode, forwarding_effect
from .existing import decide_existing, foreign_part, read_existing
from .model import BatchReport
from .sweep import SweepReport, sweep
from .unrecorded import Unrecorded, takes_no_writes
from .urgent import apply_now, clear_link, trial

__all__ = [
    "Armed",
    "Batch",
    "BatchReport",
    "Effect",
    "Mode",
    "Ready",
    "SweepReport",
    "Unrecorded",
    "anything_near",
    "apply_now",
    "clear_link",
    "decide_existing",
    "due_batches",
    "finish",
    "fire",
    "foreign_part",
    "forwarding_effect",
    "hold_on",
    "look_again",
    "mark_due",
    "prepare",
    "read_existing",
    "sweep",
    "switch_batch",
    "takes_no_writes",
    "trial",
]
