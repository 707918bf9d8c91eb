"""The life of a link between an extension and a calendar, and which step may follow which.

Pausing is not a state: it is a time until which forwards stand still, beside any state.
"""

from __future__ import annotations

from enum import StrEnum


class IllegalStep(ValueError):
    """This step cannot follow from this state."""

    def __init__(self, state: StrEnum, action: StrEnum) -> None:
        super().__init__(f"{action} is not possible while {state}")
        self.state = state
        self.action = action


class LinkState(StrEnum):
    """Where a link stands."""

    READY = "ready"
    """Provisioned; the customer can connect."""
    CHOOSING = "choosing"
    """Access was granted; no calendar chosen yet."""
    LINKED = "linked"
    """Everything is there: events become forwards."""
    RECONNECT = "reconnect"
    """Access is gone: the customer must connect again."""
    CALENDAR_GONE = "calendar_gone"
    """The calendar vanished or its titles cannot be read any more: choose another."""
    ENDED = "ended"
    """The contract ended; nothing forwards and nothing can be connected."""


class LinkAction(StrEnum):
    """What happens to a link."""

    CONNECT = "connect"
    """The customer granted access (first time, or another account than before)."""
    CHOOSE = "choose"
    """A calendar was chosen and confirmed, also another one than before."""
    LOSE_ACCESS = "lose_access"
    """Access was withdrawn or expired."""
    RECONNECT = "reconnect"
    """Access is back for the same account and the chosen calendar still stands."""
    LOSE_CALENDAR = "lose_calendar"
    """The calendar is gone, or only free/busy can be read."""
    FIND_CALENDAR = "find_calendar"
    """The calendar can be read again."""
    DISCONNECT = "disconnect"
    """The customer, or support, withdrew the link."""
    END = "end"
    """The contract ended."""
    REOPEN = "reopen"
    """A new contract for the same extension."""


_S, _A = LinkState, LinkAction

STEPS: dict[tuple[LinkState, LinkAction], LinkState] = {
    (_S.READY, _A.CONNECT): _S.CHOOSING,
    (_S.READY, _A.END): _S.ENDED,
    (_S.CHOOSING, _A.CONNECT): _S.CHOOSING,
    (_S.CHOOSING, _A.CHOOSE): _S.LINKED,
    (_S.CHOOSING, _A.LOSE_ACCESS): _S.RECONNECT,
    (_S.CHOOSING, _A.DISCONNECT): _S.READY,
    (_S.CHOOSING, _A.END): _S.ENDED,
    (_S.LINKED, _A.CONNECT): _S.CHOOSING,
    (_S.LINKED, _A.CHOOSE): _S.LINKED,
    (_S.LINKED, _A.RECONNECT): _S.LINKED,
    (_S.LINKED, _A.LOSE_ACCESS): _S.RECONNECT,
    (_S.LINKED, _A.LOSE_CALENDAR): _S.CALENDAR_GONE,
    (_S.LINKED, _A.DISCONNECT): _S.READY,
    (_S.LINKED, _A.END): _S.ENDED,
    (_S.RECONNECT, _A.CONNECT): _S.CHOOSING,
    (_S.RECONNECT, _A.RECONNECT): _S.LINKED,
    (_S.RECONNECT, _A.DISCONNECT): _S.READY,
    (_S.RECONNECT, _A.END): _S.ENDED,
    (_S.CALENDAR_GONE, _A.CONNECT): _S.CHOOSING,
    (_S.CALENDAR_GONE, _A.CHOOSE): _S.LINKED,
    (_S.CALENDAR_GONE, _A.FIND_CALENDAR): _S.LINKED,
    (_S.CALENDAR_GONE, _A.LOSE_ACCESS): _S.RECONNECT,
    (_S.CALENDAR_GONE, _A.DISCONNECT): _S.READY,
    (_S.CALENDAR_GONE, _A.END): _S.ENDED,
    (_S.ENDED, _A.REOPEN): _S.READY,
}
"""Every allowed step; what is not here is illegal."""

HOLDS_GRANT = frozenset({_S.CHOOSING, _S.LINKED, _S.CALENDAR_GONE})
"""States in which the link holds a working grant."""

MAY_START_FORWARDS = frozenset({_S.LINKED})
"""States in which a new forward may start. Ends always run, in every state."""


def step(state: LinkState, action: LinkAction) -> LinkState:
    """Answer the state after `action`; raises IllegalStep."""
    try:
        return STEPS[state, action]
    except KeyError:
        raise IllegalStep(state, action) from None


def actions(state: LinkState) -> frozenset[LinkAction]:
    """Answer what can happen in `state`."""
    return frozenset(action for held, action in STEPS if held is state)
