"""Whose forwarding is wrong now, for the people who run the machines."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.buckets import BOUNDS
from ...ports import Role
from ...services import repairing
from ...services.access import actor, as_operator
from ...services.reporting import BoardView, Wrong, board
from .. import current, formats, render, words_board
from ..bars import HEIGHT, bars, folded
from ..forms import ButtonForm
from ..i18n import gettext as _
from .common import pressed

_LATE = (0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
_PROMISE = 60.0
"""No forward outlives its appointment by more seconds than this."""
_STALE = 3600


def show() -> ResponseReturnValue:
    """The board; a press retries one thing or sets a letter aside. A 404 for everybody else."""
    current.require_role(Role.OPERATOR)
    rt, account = current.runtime(), current.account()
    tenant_id, pbx = request.args.get("tenant", ""), request.args.get("pbx", "")
    if pressed():
        viewer = as_operator(account)
        try:
            wrong = Wrong(request.form.get("wrong", ""))
        except ValueError:
            abort(404)
        assert viewer is not None
        key, by = request.form.get("key", ""), actor(account)
        if "aside" in request.form:
            repairing.set_aside(rt, viewer, wrong, key, actor=by)
            flash(_("It is set aside, and is not sent any more."), "ok")
        else:
            repairing.retry(rt, viewer, wrong, key, actor=by)
            flash(_("It is being tried again; reload this page in a moment."), "ok")
        return redirect(url_for("gcal.operator", tenant=tenant_id or None, pbx=pbx or None), 303)
    return render.page("operator.html", **context(board(rt, tenant_id=tenant_id, pbx=pbx)))


def context(view: BoardView) -> dict[str, Any]:
    """What the template shows."""
    late = folded(view.late, BOUNDS, _LATE)
    ages = [formats.duration_short(bound) for bound in view.age_bounds]
    return {
        "view": view,
        "late": bars(
            late,
            [
                *(f"≤ {formats.seconds(bound)}" for bound in _LATE),
                f"> {formats.seconds(_LATE[-1])}",
            ],
            bad_from=_LATE.index(_PROMISE) + 1,
        ),
        "ages": bars(
            view.ages,
            [*(f"≤ {words}" for words in ages), f"> {ages[-1]}"],
            bad_from=view.age_bounds.index(_STALE) + 1
            if not view.signals.push_states.get("open")
            else len(view.age_bounds) - 2,
        ),
        "height": HEIGHT,
        "form": ButtonForm(),
        "words_board": words_board,
    }
