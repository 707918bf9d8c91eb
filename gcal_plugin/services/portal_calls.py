"""Asking the host's portal where its own faults must not stop ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")


def asked(question: Callable[[], T], otherwise: T) -> T:
    """What the portal answers; `otherwise` where it breaks: logged by its kind, not its words."""
    try:
        return question()
    except Exception as error:  # noqa: BLE001 (the host's own code)
        log.warning("portal_failed", error=type(error).__name__)
        return otherwise
