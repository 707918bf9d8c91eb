"""What `doctor` asks about Google: the way there, the scopes, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ..ports import CalendarError
from ..store import queries_signals
from ..store.tables import Grant
from . import grants
from .checking import Finding
from .runtime import Runtime
from .watching import HOOK_PATH


def google(rt: Runtime) -> Iterator[Finding]:
    """Whether Google answers, lets us read what it must, and reaches us."""
    yield from _reach(rt)
    yield from _scopes(rt)
    yield from _push(rt)
    yield from _heard(rt)


def _reach(rt: Runtime) -> Iterator[Finding]:
    check = rt.extras.get("check_google")
    if not callable(check):
        return
    asked: Callable[[], str] = check
    try:
        yield Finding("google", True, asked())
    except CalendarError as error:
        mend = "Check the way out to Google, GCAL_GOOGLE_METADATA_URL and the proxy."
        yield Finding("google", False, str(error), mend)


def _scopes(rt: Runtime) -> Iterator[Finding]:
    """By what was granted, and by what Google lets the newest grant read now."""
    needed = rt.oauth.required_scopes()
    newest_first = (
        sa.select(Grant.id, Grant.scopes)
        .where(Grant.state == "live")
        .order_by(Grant.created_at.desc())
    )
    try:
        with rt.store.begin() as session:
            live = session.execute(newest_first).all()
    except SQLAlchemyError:
        return  # told as the database's
    if not live:
        yield Finding("google scopes", True, "nobody has connected yet")
        return
    lacking = [needed - set(scopes) for _, scopes in live if needed - set(scopes)]
    if lacking:
        names = ", ".join(sorted({scope.rpartition("/")[2] for one in lacking for scope in one}))
        detail = f"{len(lacking)} of {len(live)} grants lack {names}"
        mend = (
            "Name both Calendar scopes on the consent screen of the Google project, and have these "
            "customers connect again with both boxes ticked."
        )
        yield Finding("google scopes", False, detail, mend)
    try:
        # As any fetch would: a grant that turns out to be over is noted as such.
        seen = grants.with_token(rt, live[0].id, rt.calendars.calendars)
    except CalendarError as error:
        detail = f"the newest grant may not list calendars: {error.reason or error}"
        yield Finding("google calendars", False, detail, _mend(error.reason))
        return
    yield Finding("google calendars", True, f"the newest grant lists {len(seen)}")


def _mend(reason: str) -> str:
    if reason == "insufficientPermissions":
        return (
            "The consent did not give both Calendar scopes: name them on the consent screen of the "
            "Google project, and have the customer connect again with both boxes ticked."
        )
    if reason == "accessNotConfigured":
        return "Switch the Google Calendar API on in the Google project of this client."
    return "Look the reason up in docs/google.md; if Google is away, try again later."


def _push(rt: Runtime) -> Iterator[Finding]:
    if not rt.settings.push_possible:
        seconds = f"{rt.settings.poll_seconds:g} s"
        mend = "Set GCAL_PUBLIC_URL to the portal's public https address for immediate updates."
        yield Finding("push address", False, f"none: calendars are polled every {seconds}", mend)
        return
    address = f"{rt.settings.public_url}{rt.url_prefix}{HOOK_PATH}"
    check = rt.extras.get("check_push")
    if not callable(check):
        yield Finding("push address", True, rt.settings.public_url)
        return
    try:
        check(address)
    except CalendarError as error:
        mend = (
            f"GCAL_PUBLIC_URL must lead to the portal's web processes: a POST to {address} has to "
            "reach them, with a valid certificate and without a redirect or a log-in before it. "
            "Until then calendars are polled."
        )
        yield Finding("push address", False, f"{rt.settings.public_url}: {error}", mend)
        return
    yield Finding("push address", True, rt.settings.public_url)


def _heard(rt: Runtime) -> Iterator[Finding]:
    """Whether what Google posts arrives: our own request to the address may take another way."""
    try:
        with rt.store.begin() as session:
            states = queries_signals.push_states(session)
    except SQLAlchemyError:
        return  # told as the database's
    silent, heard = states.get("silent", 0), states.get("open", 0)
    if silent:
        mend = (
            "Nothing that Google posts on their channels arrives: see that no redirect, log-in, "
            "challenge or block stands before the push address for requests from outside."
        )
        detail = f"none arrive for {silent} of {silent + heard} watched calendars"
        yield Finding("push messages", False, detail, mend)
    elif heard:
        yield Finding("push messages", True, f"they arrive (watched calendars: {heard})")
