"""What the clock asks for besides switching: one table, a line a duty.

To add one, name its service function here. It takes the runtime first, is safe to run twice at
once, and finds for itself whether there is anything to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_SERVICES = "gcal_plugin.services"

CARE: dict[str, str] = {
    "sweep": "switching:sweep",
    "purge": "purging:purge",
    "tally": "tallying:tally",
    "mail": "outbox:send_due",
    "channels": "watching:renew_due",
    "consents": "linking.withdrawing:withdraw_unconfirmed",
    "leftovers": "moving:clear_leftovers",
    "holders": "holders:look",
    "contracts": "onboarding.ending:end_due",
    "quotes": "onboarding.quoting:expire_quotes",
    "reminders": "onboarding.quoting:remind",
}
"""Upkeep by name -> module and function below the services."""

WAITING = frozenset({"sweep", "leftovers"})
"""Upkeep that mostly waits for an answer, and runs in a thread of its own."""


TELLING = frozenset({"purge", "tally"})
"""Upkeep that can be long, and tells how far it is."""


class UnknownCare(LookupError):
    """No upkeep has that name."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A piece of upkeep and how often the clock asks for it."""

    care: str
    every: float
    """Seconds, spread by a tenth either way."""
    per_exchange: bool = False


DUTIES: tuple[Duty, ...] = (
    Duty("sweep", 30, per_exchange=True),
    Duty("mail", 30),
    Duty("tally", 30),
    Duty("channels", 60),
    Duty("contracts", 300),
    Duty("leftovers", 300),
    Duty("holders", 300),
    Duty("consents", 600),
    Duty("quotes", 600),
    Duty("reminders", 3600),
    Duty("purge", 3600),
)


def care_task(name: str) -> Callable[..., Any]:
    """The service function behind a name; `UnknownCare` for any other, whatever it looks like."""
    try:
        module, _, function = CARE[name].partition(":")
    except KeyError:
        raise UnknownCare(name[:64]) from None
    found: Callable[..., Any] = getattr(import_module(f"{_SERVICES}.{module}"), function)
    return found
