"""The customer's side: asking for the integration, the timeline, and the answer to a quote."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields.choices import SelectChoice

from ...domain.request_state import RequestAction
from ...services import addresses
from ...services.onboarding import asking, desk, ending, quoting
from ...services.onboarding.asking import Asked
from ...services.onboarding.errors import WrongFields
from ...services.refusals import Refusal
from ...services.reporting.requests import timeline
from .. import current, render, words_desk
from ..forms_desk import AnswerForm, RequestForm
from ..i18n import gettext as _
from .common import pressed


def ask() -> ResponseReturnValue:
    """The form; with one open request already, that one; with `?earlier=1` all there ever were."""
    rt, account = current.runtime(), current.account()
    every = desk.requests_of(rt, account)
    mine = [seen for seen in every if not seen.state.over]
    over = len(every) > len(mine)
    if request.method == "GET" and "earlier" in request.args and over:
        return render.page("request_list.html", requests=every, words_desk=words_desk)
    if request.method == "GET" and "new" not in request.args and mine:
        if len(mine) == 1:
            return redirect(url_for("gcal.request_show", request_id=mine[0].id))
        return render.page("request_list.html", requests=mine, words_desk=words_desk, earlier=over)
    form = RequestForm()
    listed = asking.choices(rt, account)
    form.extensions.choices = [SelectChoice(one.extension.number) for one in listed or ()]
    if request.method == "GET":
        form.customer_code.data = account.customer_code
        form.customer_name.data = account.customer_name
        form.email.data = account.email
    if pressed(form):
        try:
            return _send(form, listed is not None)
        except WrongFields as error:
            form.take(error.faults, others="extensions" if listed is not None else "typed")
            if listed is None and form.extensions.errors:
                form.typed.errors, form.extensions.errors = form.extensions.errors, []
    return render.page(
        "request.html",
        form=form,
        choices=listed,
        free=asking.may_name_others(account),
        by_mail=rt.settings.request_mode == "mail",
        earlier=over,
    ), (422 if form.faulty else 200)


def _send(form: RequestForm, listed: bool) -> ResponseReturnValue:
    rt, account = current.runtime(), current.account()
    asked = Asked(
        extensions=list(form.extensions.data or ()) if listed else (form.typed.data or "").split(),
        customer_code=form.customer_code.data or "",
        customer_name=form.customer_name.data or "",
        email=form.email.data or "",
        remarks=form.remarks.data or "",
    )
    if rt.settings.request_mode == "mail":
        return render.page("request_mail.html", mail=asking.prepare_mail(rt, account, asked))
    submitted = asking.submit(rt, account, asked)
    if submitted.made:
        flash(_("Thank you, your request is on its way. The quote comes by mail too."), "ok")
    else:
        flash(_("There was a request for this extension already."), "info")
    if len(submitted.made) + len(submitted.found) > 1:
        return redirect(url_for("gcal.request"), 303)
    return redirect(url_for("gcal.request_show", request_id=submitted.first), 303)


def show(request_id: str) -> ResponseReturnValue:
    """One request: the timeline, the quote and what can be answered."""
    seen = desk.request_view(current.runtime(), current.account(), request_id)
    return _page(seen, AnswerForm(version=str(seen.version), quote=str(seen.quote)))


def _page(seen: desk.RequestView, form: AnswerForm) -> str:
    return render.page(
        "request_show.html",
        seen=seen,
        steps=timeline(seen.state, seen.steps),
        tenant=current.runtime().portal.tenant(seen.tenant_id),
        form=form,
        can={action.value for action in seen.actions},
        words_desk=words_desk,
    )


def from_mail(token: str) -> ResponseReturnValue:
    """The link in a quote's mail: to the page of its request, for whoever may see it."""
    try:
        request_id = addresses.read_quote(current.runtime(), token)
    except addresses.LinkExpired:
        flash(_("The link in the mail has expired. What is open is here; else ask anew."), "info")
        return redirect(url_for("gcal.request"))
    except addresses.LinkForged:
        abort(404)
    return redirect(url_for("gcal.request_show", request_id=request_id))


def answer(request_id: str, step: str) -> ResponseReturnValue:
    """Agree, decline or cancel; a fault in the form comes back with the page and what was typed."""
    rt, account = current.runtime(), current.account()
    form = AnswerForm()
    seen = desk.request_view(rt, account, request_id)
    if pressed(form):
        try:
            _answer(seen.id, step, form)
        except WrongFields as error:
            form.take(error.faults, others="why")
        except Refusal as error:
            flash(words_desk.error(error), "warn")
    if form.faulty:
        return _page(seen, form), 422
    return redirect(url_for("gcal.request_show", request_id=seen.id), 303)


def _answer(request_id: UUID, step: str, form: AnswerForm) -> None:
    rt, account = current.runtime(), current.account()
    if step == RequestAction.AGREE:
        quoting.agree(rt, account, request_id, form.seen, quote=form.number)
        flash(_("Thank you. You get a mail as soon as you can connect."), "ok")
    elif step == RequestAction.DECLINE:
        why = form.why.data or ""
        quoting.decline(rt, account, request_id, form.seen, quote=form.number, why=why)
        flash(_("You declined the quote. Nothing changes."), "ok")
    elif step == RequestAction.CANCEL:
        ending.cancel(rt, account, request_id, form.seen, why=form.why.data or "", as_desk=False)
        flash(_("Your request has been cancelled."), "ok")
    else:
        abort(404)
