"""The status page: what is linked, who rings now, what comes, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import g, request, session
from flask.typing import ResponseReturnValue

from ...services.reporting import PageState, StatusView, link_ids, status_of
from ...services.reporting.requests import OpenRequest, open_requests
from .. import current, render, words_desk
from ..forms import ButtonForm, PauseForm
from ..week import picture
from . import outcome
from .pausing import choices


def show(link_id: str | None = None) -> ResponseReturnValue:
    """One link, or the list of them where there are several."""
    rt, account = current.runtime(), current.account()
    view = status_of(rt, account, link_id)
    waiting = open_requests(rt, account)
    if link_id is None and view.others:
        views = [status_of(rt, account, one) for one in link_ids(rt, account)]
        return render.page(
            "overview.html",
            views=views,
            form=ButtonForm(),
            open_requests=waiting,
            words_desk=words_desk,
        )
    if view.now is not None:
        g.gcal_now = view.now
    told = outcome.take(view.link.id if view.link else None)
    if told is not None:
        view = replace(view, state=PageState(told["state"]))
    return render.page("status.html", **context(view, told=told, waiting=waiting))


def context(
    view: StatusView,
    *,
    told: dict[str, Any] | None = None,
    waiting: Sequence[OpenRequest] = (),
) -> dict[str, Any]:
    """What the page's templates need; the gallery shows the same."""
    pause = PauseForm()
    pause.until.choices = choices()
    return {
        "view": view,
        "told": told,
        "words_desk": words_desk,
        "open_requests": [one for one in waiting if not view.request or one.id != view.request.id],
        "form": ButtonForm(),
        "pause_form": pause,
        "week": picture(view.week),
        "in_link": bool(request.view_args and request.view_args.get("link_id")),
        "new_here": not session.get("gcal_seen"),
    }
