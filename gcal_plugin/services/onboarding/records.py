"""The small steps on a request's row that every story of onboarding shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from ...domain.request_state import OPEN, IllegalStep, RequestAction, RequestState, Role, step
from ...ports import Account
from ...store import scope
from ...store.scope import NotInReach, Viewer
from ...store.tables import Request, RequestStep
from ..access import as_customer, as_support
from ..guarding import audit
from ..runtime import Runtime
from .errors import AlreadyOpen, ChangedMeanwhile, NotPossible


@dataclass(slots=True)
class Change:
    """A request that is being changed, in an open transaction."""

    session: Session
    row: Request
    now: datetime


def desk_of(account: Account) -> Viewer:
    """The desk's reach of a member of the tenant's staff; NotInReach for everybody else."""
    viewer = as_support(account)
    if viewer is None:
        raise NotInReach("desk")
    return viewer


@contextmanager
def changing(
    rt: Runtime, viewer: Viewer, request_id: UUID | str, version: int | None
) -> Iterator[Change]:
    """Open one request to change it; raises ChangedMeanwhile where `version` is not the newest.

    Two people who click at once both read the same version; the database lets one of them write.
    """
    with guarded(), rt.store.begin() as session:
        row = scope.request(session, viewer, request_id)
        if version is not None and row.version != version:
            raise ChangedMeanwhile
        yield Change(session, row, rt.store.now(session))
        session.flush()


@contextmanager
def guarded() -> Iterator[None]:
    """Tell what the database and the state machine refuse in this story's own words."""
    try:
        yield
    except StaleDataError:
        raise ChangedMeanwhile from None
    except IllegalStep as error:
        raise NotPossible(str(error)) from None
    except IntegrityError as error:
        if "gcal_request" in str(error.orig):
            raise AlreadyOpen(None) from None
        raise


def take(
    change: Change, action: RequestAction, role: Role, actor: str, **detail: Any
) -> RequestStep:
    """Take one step of the request's life and write it down; raises IllegalStep or WrongRole."""
    row = change.row
    state = step(RequestState(row.state), action, role)
    row.state = state.value
    row.closed_at = None if state in OPEN else change.now
    row.changed_at = change.now
    return remember(change, action.value, actor, **detail)


def remember(change: Change, action: str, actor: str, **detail: Any) -> RequestStep:
    """Add a line to the history. Codes go to the audit too, what people wrote does not.

    The row gets a new version, so that pages opened before are old; `changed_at`, by which it waits
    its turn, moves with a step alone.
    """
    row, session = change.row, change.session
    flag_modified(row, "changed_at")
    session.flush()
    entry = RequestStep(
        request_id=row.id,
        at=change.now,
        actor=actor,
        action=action,
        state=row.state,
        detail={key: value for key, value in detail.items() if value not in (None, "")},
    )
    session.add(entry)
    session.flush()
    audit(
        session,
        actor,
        f"request_{action}"[:64],
        f"request:{row.id}",
        row.tenant_id,
        state=row.state,
    )
    return entry


def done_already(
    rt: Runtime,
    viewer: Viewer,
    request_id: UUID | str,
    action: RequestAction,
    who: str,
    **detail: Any,
) -> bool:
    """Whether the last step of a request is this one, by the same person, with this detail.

    A second click on a button, or a page sent again: what was asked for has been done.
    """
    with rt.store.begin() as session:
        row = scope.request(session, viewer, request_id)
        last = session.scalar(
            sa.select(RequestStep)
            .where(RequestStep.request_id == row.id)
            .order_by(RequestStep.id.desc())
            .limit(1)
        )
        return (
            last is not None
            and (last.action, last.actor) == (action.value, who)
            and detail.items() <= last.detail.items()
        )


def open_request(session: Session, tenant_id: str, domain: str, extension: str) -> Request | None:
    """The open request for a line, whoever's it is."""
    found: Request | None = session.scalar(
        sa.select(Request).where(
            Request.tenant_id == tenant_id,
            Request.domain == domain,
            Request.extension == extension,
            Request.closed_at.is_(None),
        )
    )
    return found


__all__ = [
    "Change",
    "as_customer",
    "changing",
    "desk_of",
    "done_already",
    "guarded",
    "open_request",
    "remember",
    "take",
]
