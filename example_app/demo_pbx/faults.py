"""What this exchange does wrong on request, so that tests and demonstrations can watch us cope."""

from __future__ import annotations

import time
from threading import Lock
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """One way of failing; everything off is a healthy exchange."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int | None = Field(default=None, description="Answer this status and change nothing.")
    retry_after: int | None = Field(default=None, description="Seconds, sent with `status`.")
    error: str = Field(default="told to fail", description="The words that go with `status`.")
    latency: float = Field(default=0, ge=0, le=60, description="Seconds to wait before working.")
    ignore_writes: bool = Field(default=False, description="Say yes and change nothing.")
    cut_after_apply: bool = Field(default=False, description="Change, then hang up unanswered.")
    unreachable: bool = Field(default=False, description="Hang up before reading.")
    partial: int = Field(default=0, ge=0, description="Fail every n-th state of a bulk write.")
    no_bulk: bool = Field(default=False, description="Answer 404 on the bulk address.")
    domains: frozenset[str] | None = Field(default=None, description="Only these domains.")
    times: int | None = Field(default=None, ge=0, description="Heal after so many requests.")


class Faults:
    """The fault that holds now; counts down where it is to heal by itself."""

    def __init__(self) -> None:
        self._fault = Fault()
        self._left: int | None = None
        self._lock = Lock()

    def set(self, body: dict[str, Any]) -> Fault:
        """From now on this, and nothing else."""
        fault = Fault(**body)
        with self._lock:
            self._fault, self._left = fault, fault.times
        return fault

    def clear(self) -> None:
        """Healthy again."""
        self.set({})

    def take(self, domain: str | None) -> Fault:
        """The fault that a request for this domain meets (None: a request for several)."""
        with self._lock:
            fault = self._fault
            if fault.domains is not None and domain is not None and domain not in fault.domains:
                return Fault()
            if self._left is not None:
                if self._left == 0:
                    return Fault()
                self._left -= 1
        if fault.latency:
            time.sleep(fault.latency)
        return fault
