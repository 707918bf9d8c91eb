"""The life of a request, from asking for the integration to the end of the contract."""

from __future__ import annotations

from enum import StrEnum

from gcal_plugin.domain.link_state import IllegalStep

__all__ = ["STEPS", "IllegalStep", "RequestAction", "RequestState", "Role", "actions", "step"]


class Role(StrEnum):
    """Who takes a step."""

    CUSTOMER = "customer"
    SUPPORT = "support"
    SYSTEM = "system"


class RequestState(StrEnum):
    """Where a request stands."""

    REQUESTED = "requested"
    QUOTED = "quoted"
    AGREED = "agreed"
    DECLINED = "declined"
    EXPIRED = "expired"
    PROVISIONING = "provisioning"
    READY = "ready"
    LINKED = "linked"
    ENDED = "ended"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether a new request for the same extension stands beside this one."""
        return self not in OPEN


class RequestAction(StrEnum):
    """What happens to a request."""

    QUOTE = "quote"
    """Support offers a price, also again after a decline or an expiry."""
    AGREE = "agree"
    DECLINE = "decline"
    EXPIRE = "expire"
    """The quote's date passed."""
    PROVISION = "provision"
    """Support starts to build, after the agreement or directly after a telephone call."""
    FINISH = "finish"
    """Everything is built; the customer can connect."""
    LINK = "link"
    """The customer linked a calendar."""
    UNLINK = "unlink"
    """The customer disconnected; the contract stands."""
    CANCEL = "cancel"
    END = "end"
    """The contract ended."""


_C, _P, _Y = Role.CUSTOMER, Role.SUPPORT, Role.SYSTEM
_S, _A = RequestState, RequestAction

STEPS: dict[tuple[RequestState, RequestAction], tuple[RequestState, frozenset[Role]]] = {
    (_S.REQUESTED, _A.QUOTE): (_S.QUOTED, frozenset({_P})),
    (_S.REQUESTED, _A.PROVISION): (_S.PROVISIONING, frozenset({_P})),
    (_S.REQUESTED, _A.CANCEL): (_S.CANCELLED, frozenset({_C, _P})),
    (_S.QUOTED, _A.QUOTE): (_S.QUOTED, frozenset({_P})),
    (_S.QUOTED, _A.AGREE): (_S.AGREED, frozenset({_C})),
    (_S.QUOTED, _A.DECLINE): (_S.DECLINED, frozenset({_C})),
    (_S.QUOTED, _A.EXPIRE): (_S.EXPIRED, frozenset({_Y})),
    (_S.QUOTED, _A.PROVISION): (_S.PROVISIONING, frozenset({_P})),
    (_S.QUOTED, _A.CANCEL): (_S.CANCELLED, frozenset({_C, _P})),
    (_S.DECLINED, _A.QUOTE): (_S.QUOTED, frozenset({_P})),
    (_S.DECLINED, _A.CANCEL): (_S.CANCELLED, frozenset({_C, _P})),
    (_S.EXPIRED, _A.QUOTE): (_S.QUOTED, frozenset({_P})),
    (_S.EXPIRED, _A.CANCEL): (_S.CANCELLED, frozenset({_C, _P})),
    (_S.AGREED, _A.PROVISION): (_S.PROVISIONING, frozenset({_P, _Y})),
    (_S.AGREED, _A.CANCEL): (_S.CANCELLED, frozenset({_P})),
    (_S.PROVISIONING, _A.FINISH): (_S.READY, frozenset({_P, _Y})),
    (_S.PROVISIONING, _A.CANCEL): (_S.CANCELLED, frozenset({_P})),
    (_S.READY, _A.LINK): (_S.LINKED, frozenset({_C, _Y})),
    (_S.READY, _A.END): (_S.ENDED, frozenset({_P, _Y})),
    (_S.LINKED, _A.UNLINK): (_S.READY, frozenset({_C, _P, _Y})),
    (_S.LINKED, _A.END): (_S.ENDED, frozenset({_P, _Y})),
}
"""Every allowed step with the roles that may take it; what is not here is illegal."""

OPEN = frozenset(_S) - {_S.DECLINED, _S.EXPIRED, _S.ENDED, _S.CANCELLED}
"""States in which a second request for the same extension leads to this one."""


class WrongRole(IllegalStep):
    """The step is possible, but not for this role."""


def step(state: RequestState, action: RequestAction, role: Role) -> RequestState:
    """Answer the state after `role` does `action`; raises IllegalStep or WrongRole."""
    found = STEPS.get((state, action))
    if found is None:
        raise IllegalStep(state, action)
    following, roles = found
    if role not in roles:
        raise WrongRole(state, action)
    return following


def actions(state: RequestState, role: Role) -> frozenset[RequestAction]:
    """Answer what `role` can do in `state`."""
    return frozenset(
        action for (held, action), (_, roles) in STEPS.items() if held is state and role in roles
    )
