"""An operator's retry: look again at one thing that is wrong, harmless to repeat; or leave it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from ..store import scope
from ..store.scope import NotInReach, Viewer
from ..store.tables import Calendar, Request
from . import holders, outbox
from .addressees import support_of
from .guarding import audit
from .onboarding.mailing import request_facts
from .reporting.board import Wrong
from .runtime import Runtime
from .switching import mark_due

AGAIN_AFTER = timedelta(hours=1)
"""The desk is not reminded of one request more often than this."""


def retry(rt: Runtime, viewer: Viewer, wrong: Wrong, key: str, *, actor: str) -> None:
    """Have it looked at again, now; raises NotInReach for what the viewer may not know of.

    A line is worked out and pushed anew, a calendar fetched, a letter sent, the desk reminded of a
    request, the portal asked for an account. Nothing is decided here: each is a wake-up of what
    happens anyway.
    """
    if wrong is Wrong.MAIL:
        outbox.retry(rt, viewer, _number(key), actor=actor)
    elif wrong is Wrong.REQUEST:
        _remind(rt, viewer, key, actor)
    elif wrong is Wrong.HOLDER:
        holders.ask_again(rt, viewer, key, actor=actor)
    else:
        _look_again(rt, viewer, key, actor, wrong)


def set_aside(rt: Runtime, viewer: Viewer, wrong: Wrong, key: str, *, actor: str) -> None:
    """Give up what nobody can mend, so that it is told of no more: a letter that keeps failing.

    Raises NotInReach for anything else, and for what the viewer may not know of.
    """
    if wrong is not Wrong.MAIL:
        raise NotInReach(wrong.value)
    outbox.set_aside(rt, viewer, _number(key), actor=actor)


def _look_again(rt: Runtime, viewer: Viewer, key: str, actor: str, wrong: Wrong) -> None:
    with rt.store.begin() as session:
        link = scope.link(session, viewer, key)
        if link.ended_at is not None:
            raise NotInReach("link")
        now = rt.store.now(session)
        mark_due(session, [link.id], now, cause="repair")
        calendar_id = link.calendar_id
        if calendar_id is not None:
            session.execute(
                sa.update(Calendar)
                .where(Calendar.id == calendar_id)
                .values(next_sync_at=now)
                .execution_options(synchronize_session=False)
            )
        audit(session, actor, "retry", f"link:{link.id}", link.tenant_id, wrong=wrong.value)
        link_id, pbx = link.id, link.pbx
    if calendar_id is not None and wrong in {Wrong.STALE, Wrong.BROKEN}:
        rt.wake.sync([calendar_id], urgent=True)
    rt.wake.switch(pbx, [link_id])


def _remind(rt: Runtime, viewer: Viewer, key: str, actor: str) -> None:
    with rt.store.begin() as session:
        row: Request = scope.request(session, viewer, key)
        now = rt.store.now(session)
        stretch = int(now.timestamp() // AGAIN_AFTER.total_seconds())
        outbox.queue(
            session,
            key=f"stuck:{row.id}:{stretch}",
            kind="received_desk" if row.state == "requested" else "agreed_desk",
            tenant_id=row.tenant_id,
            recipient=support_of(rt, row.tenant_id),
            now=now,
            request_id=row.id,
            **request_facts(row, "nl"),
        )
        audit(session, actor, "retry", f"request:{row.id}", row.tenant_id)
    rt.wake.mail()


def _number(key: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) < 18):
        raise NotInReach("mail")
    return int(key)
