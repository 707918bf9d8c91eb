"""Channels that all ran out at once, as after a long stop: every calendar is polled again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.services import watching
from gcal_plugin.store import queries_channels
from gcal_plugin.store.tables import Calendar, Channel, Grant
from tests.servers.databases import Databases
from tests.support.portal_app import portal

MANY = 70_000
"""More than Postgres takes as parameters of one statement."""


@pytest.mark.parametrize("count", [7, pytest.param(MANY, marks=pytest.mark.full)])
def test_however_many_there_are(
    databases: Databases, database_kind: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PORTION", min(watching.PORTION, max(2, count // 10)))
    with (
        portal(databases, database_kind, GCAL_PUBLIC_URL="https://portal.example") as app,
        app.app_context(),
    ):
        rt = app.extensions["gcal"]
        with rt.store.begin() as session:
            now = rt.store.now(session)
            grant = Grant(client_id="c", subject="s", email="a@b.example", created_at=now)
            session.add(grant)
            session.flush()
            session.execute(
                sa.insert(Calendar),
                [
                    {"grant_id": grant.id, "google_id": str(number), "push_state": "open"}
                    for number in range(count + 1)
                ],
            )
            kept = session.scalar(sa.select(Calendar.id).where(Calendar.google_id == str(count)))
            session.add(
                Channel(
                    id="alive", calendar_id=kept, token_digest="d", resource_id="r", state="open",
                    address=watching.hook_address(rt),
                    created_at=now, expires_at=now + timedelta(days=1),
                )
            )  # fmt: skip
        watching.renew_due(rt)
        with rt.store.begin() as session:
            states = dict(
                session.execute(
                    sa.select(Calendar.push_state, sa.func.count()).group_by(Calendar.push_state)
                ).all()
            )
            assert states == {"none": count, "open": 1}
            waiting = sa.select(sa.func.count()).where(Calendar.next_sync_at <= datetime.now(UTC))
            assert session.scalar(waiting) == count
            now, address = rt.store.now(session), watching.hook_address(rt)
            assert queries_channels.poll_again(session, now, address, 10) == 0
