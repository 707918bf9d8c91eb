"""The one sentence on top of the status page, and what belongs to it."""

from __future__ import annotations

from collections.abc import Callable

from ..services.reporting import Mode, PageState, ProblemCode, StatusView
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .words_parts import destination, destinations


def sentence(view: StatusView) -> str:
    """The one sentence on top of the page."""
    writer = _WRITERS.get(view.state)
    written = writer(view) if writer else None
    return written or str(_SENTENCES[view.state])


def _quoted(view: StatusView) -> str | None:
    if view.request is None or view.request.valid_until is None:
        return None
    until = formats.date_long(view.request.valid_until)
    return _("Your quote is ready, valid until %(date)s.", date=until)


def _idle(view: StatusView) -> str:
    if view.standing:
        return _own_forward(view)
    if view.upcoming is None:
        return _("Not forwarded. No forward is planned.")
    return _("Not forwarded. Next: %(when)s.", when=formats.moment(view.upcoming.start))


def _own_forward(view: StatusView) -> str:
    to = destinations(view.standing)
    if view.upcoming is None:
        return _("Your own forward to %(number)s holds. No other is planned.", number=to)
    return _(
        "Your own forward to %(number)s holds. Next: %(when)s.",
        number=to,
        when=formats.moment(view.upcoming.start),
    )


def _forwarding(view: StatusView) -> str:
    to = destinations(view.ringing)
    if view.until is None:
        return _("Forwarded to %(number)s.", number=to)
    time = formats.moment(view.until)
    return _("Forwarded to %(number)s until %(time)s.", number=to, time=time)


def _stale(view: StatusView) -> str:
    calendar = view.link.calendar if view.link else None
    if calendar is None or calendar.synced_at is None:
        return _("Calendar not updated yet; known appointments continue.")
    time = formats.moment(calendar.synced_at)
    if view.mode is Mode.FALLBACK:
        to = _fallback(view)
        return _(
            "Calendar not updated since %(time)s; calls go to %(number)s.", time=time, number=to
        )
    if view.mode is Mode.FINISH:
        return _("Calendar not updated since %(time)s; no forward starts any more.", time=time)
    return _("Calendar not updated since %(time)s; known appointments continue.", time=time)


def _reconnect(view: StatusView) -> str | None:
    if view.mode is not Mode.FALLBACK:
        return None
    to = _fallback(view)
    return _("No access to Google, calls go to %(number)s; connect again.", number=to)


def _gone(view: StatusView) -> str | None:
    if _has(view, ProblemCode.UNREADABLE):
        if view.mode is Mode.FALLBACK:
            to = _fallback(view)
            return _(
                "We cannot read the titles in your calendar; calls go to %(number)s.", number=to
            )
        return _("We cannot read the titles in your calendar; no forward starts any more.")
    if view.mode is not Mode.FALLBACK:
        return None
    to = _fallback(view)
    return _(
        "Your calendar has disappeared, calls go to %(number)s; choose another one.", number=to
    )


def _not_taken(view: StatusView) -> str:
    to = destinations(view.ringing) or _("your own phone")
    if _has(view, ProblemCode.UNREACHABLE):
        return _(
            "The exchange does not answer; as far as we know %(destination)s rings.", destination=to
        )
    return _("The exchange refused the forward; now %(destination)s rings.", destination=to)


def _fallback(view: StatusView) -> str:
    """Where all calls go in `Mode.FALLBACK`."""
    return destination(view.link.fallback) if view.link and view.link.fallback else ""


def _has(view: StatusView, code: ProblemCode) -> bool:
    return any(problem.code is code for problem in view.problems)


def _paused(view: StatusView) -> str:
    until = formats.moment(view.link.paused_until) if view.link and view.link.paused_until else ""
    to = destinations(view.standing)
    if until and to:
        return _(
            "Paused until %(time)s; your own forward to %(number)s holds.", time=until, number=to
        )
    if until:
        return _("Paused until %(time)s; your own phone rings.", time=until)
    if to:
        return _("Paused; your own forward to %(number)s holds.", number=to)
    return _("Paused; your own phone rings.")


def _disconnected(view: StatusView) -> str | None:
    if not view.standing:
        return None
    to = destinations(view.standing)
    return _("Disconnected; your own forward to %(number)s holds again.", number=to)


_WRITERS: dict[PageState, Callable[[StatusView], str | None]] = {
    PageState.QUOTED: _quoted,
    PageState.IDLE: _idle,
    PageState.FORWARDING: _forwarding,
    PageState.STALE: _stale,
    PageState.RECONNECT: _reconnect,
    PageState.GONE: _gone,
    PageState.REFUSED: _not_taken,
    PageState.PAUSED: _paused,
    PageState.DISCONNECTED: _disconnected,
}
_SENTENCES = {
    PageState.UNAVAILABLE: _l("This integration is not available for your account."),
    PageState.NOT_CONFIGURED: _l("You have no integration yet."),
    PageState.REQUESTED: _l("Request received; you will get a quote."),
    PageState.QUOTED: _l("Your quote is ready."),
    PageState.AGREED: _l("Agreement received; we will set it up."),
    PageState.PROVISIONING: _l("We are setting up your integration."),
    PageState.READY: _l("Now connect your Google account."),
    PageState.CANCELLED: _l("Connecting was cancelled; nothing has changed."),
    PageState.SCOPE: _l("Google did not give all permissions; tick every box."),
    PageState.NO_CALENDAR: _l("Now choose a calendar."),
    PageState.RECONNECT: _l("No access to Google, forwarding stands still; connect again."),
    PageState.GONE: _l("Your calendar has disappeared; choose another one."),
    PageState.CONFIRM: _l("Disconnect? Your forward stops at once."),
    PageState.DISCONNECTED: _l("Disconnected; your own phone rings again."),
}


def more(view: StatusView) -> str:
    """Where calls go meanwhile, where the sentence does not say it itself; how to mend it."""
    if view.state is PageState.STALE and view.mode is not Mode.FALLBACK and view.ringing:
        return _("Calls now go to %(number)s.", number=destinations(view.ringing))
    if view.state is PageState.GONE and _has(view, ProblemCode.UNREADABLE):
        return _(
            "Share the calendar with all event details again, or ask its owner to; the link then "
            "goes on by itself within an hour. Or choose another calendar."
        )
    return ""
