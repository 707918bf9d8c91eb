"""Who may refresh a grant's access token, and what came of it: one refresh, whoever asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .bulk import Row, among, update_rows
from .queries_calendar import GrantTokens
from .tables import Grant

_TABLE = cast(sa.Table, Grant.__table__)


@dataclass(frozen=True, slots=True)
class Refreshable:
    """A grant of which we hold the lease; its tokens are still sealed."""

    grant: GrantTokens
    refresh_token: str | None


def claim_refreshes(
    session: Session, grant_ids: Collection[UUID], now: datetime, until: datetime
) -> list[Refreshable]:
    """Take the leases of those live grants that nobody refreshes.

    A grant that another transaction is writing is left out: it is somebody else's just now.
    """
    free = (
        sa.select(_TABLE.c.id)
        .where(
            among(session, _TABLE.c.id, sorted(grant_ids)),
            _TABLE.c.state == "live",
            sa.or_(_TABLE.c.refresh_lease_until.is_(None), _TABLE.c.refresh_lease_until <= now),
        )
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.id.in_(free))
        .values(refresh_lease_until=until)
        .returning(
            *(_TABLE.c[name] for name in GrantTokens.__dataclass_fields__), _TABLE.c.refresh_token
        )
    )
    return [Refreshable(GrantTokens(*row[:-1]), row[-1]) for row in taken]


def keep_tokens(session: Session, rows: Sequence[Row]) -> set[UUID]:
    """Store new access tokens, each `{"id", "refresh_token", <columns>}`; answers the grants.

    Only where `refresh_token` (sealed) is still the one that was used: whoever disconnected, or
    connected anew, meanwhile has the newer word.
    """
    kept = update_rows(session, _TABLE, rows, keys=("id", "refresh_token"), answer=("id",))
    return {row.id for row in kept}


def release_refreshes(session: Session, grant_ids: Collection[UUID], until: datetime) -> None:
    """Give back leases that are still the ones taken up to `until`."""
    if not grant_ids:
        return
    session.execute(
        sa.update(_TABLE)
        .where(
            among(session, _TABLE.c.id, sorted(grant_ids)), _TABLE.c.refresh_lease_until == until
        )
        .values(refresh_lease_until=None)
    )
