"""The `pull` backend: an exchange that asks us at each call who rings, so nothing is pushed.

What it is told comes from the stored plan, at `/pull/<pbx>/<domain>/<extension>`. Here is only what
such an exchange can express in the format it asks for; its bearer is in `GCAL_PULL_TOKENS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from ..domain.destination import Destination
from ..domain.pull_formats import TWIML_MOST
from ..ports.telephony import (
    Applied,
    BulkResult,
    Capabilities,
    Health,
    Line,
    LineState,
    PlanWindow,
    Unsupported,
)
from .faults import BackendConfig
from .parallel import one_by_one
from .rendering import check_line, check_set

PullFormat = Literal["plain", "json", "twiml", "voipgrid"]

_MOST: dict[PullFormat, int] = {"plain": 10, "json": 10, "twiml": TWIML_MOST, "voipgrid": 1}
_EXTENSIONS: frozenset[PullFormat] = frozenset({"plain", "json"})
"""TwiML's `<Number>` and VoIPGRID's fixed destination are numbers of the public network."""


class PullConfig(BackendConfig):
    """Keys of a `pull` entry."""

    format: PullFormat = Field(default="plain", description="The answer that it understands.")
    ring_seconds: int | None = Field(default=None, ge=1, description="How long destinations ring.")
    answer_confirmation: bool = Field(default=False, description="Answering asks to press 1.")
    without_answer: Literal["ends", "own_route", "unknown"] = Field(
        default="unknown", description="What a call does when nobody answers."
    )
    caller_number: Literal["caller", "own", "either", "unknown"] = Field(
        default="unknown", description="Whose number the called person sees."
    )


class PullTelephony:
    """What an asking exchange can express; a write only says whether it could."""

    def __init__(self, name: str, config: PullConfig | None = None) -> None:
        keys = config or PullConfig()
        self.name = name
        self.format = keys.format
        self.capabilities = Capabilities(
            mode="pull",
            max_destinations=_MOST[keys.format],
            accepts_extensions=keys.format in _EXTENSIONS,
            ring_seconds=keys.ring_seconds,
            answer_confirmation=keys.answer_confirmation,
            without_answer=keys.without_answer,
            caller_number=keys.caller_number,
            read_back=False,
            proven=keys.format in ("plain", "json"),
        )

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        check_line(line)
        if expires_at is not None:
            raise Unsupported("an exchange that asks needs no expiry: the plan itself ends")
        wanted = check_set(
            destinations,
            maximum=self.capabilities.max_destinations,
            extensions=self.capabilities.accepts_extensions,
        )
        return Applied(wanted, revision)

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        return one_by_one(self, states, workers=1)

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        raise Unsupported(f"{self.name} asks at each call; it is handed no plans")

    def read(self, line: Line) -> Applied:
        check_line(line)
        raise Unsupported(f"{self.name} asks at each call; it holds nothing to read")

    def read_all(self) -> Iterator[LineState]:
        return iter(())

    def check(self) -> Health:
        return Health(True, f"asks at each call, format {self.format}")


def build(name: str, config: dict[str, Any]) -> PullTelephony:
    """A `pull` entry of the settings."""
    return PullTelephony(name, PullConfig(**config))
