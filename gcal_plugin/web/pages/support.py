"""The desk: the queue, one request, and its steps. For the tenant's staff only."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields.choices import SelectChoice

from ...domain.request_state import RequestAction, RequestState
from ...ports import Role
from ...services import guarding, outbox
from ...services.access import actor, as_support
from ...services.onboarding import building, desk, ending, quoting, templates
from ...services.onboarding.desk import Filter, RequestView
from ...services.onboarding.errors import WrongFields
from ...services.onboarding.quoting import Offer
from ...services.refusals import Refusal
from ...services.reporting.requests import timeline
from ...store.scope import NotInReach, Viewer
from .. import current, formats, render, words_desk
from ..forms_desk import (
    CancelForm,
    EndForm,
    FinishForm,
    NoteForm,
    QueueForm,
    QuoteForm,
    VersionForm,
)
from ..i18n import gettext as _
from .common import pressed

_QUOTE_DAYS = 30


def viewer() -> Viewer:
    """The desk's reach; a 404 for whoever is not support."""
    current.require_role(Role.SUPPORT)
    found = as_support(current.account())
    if found is None:
        raise NotInReach("desk")
    return found


def queue() -> ResponseReturnValue:
    """The requests that wait, the longest waiting first."""
    rt, account, reach = current.runtime(), current.account(), viewer()
    form = QueueForm(request.args)
    form.state.choices = [
        SelectChoice("waiting", _("Waiting for us")),
        SelectChoice("open", _("All that are open")),
        SelectChoice("all", _("All")),
        *(SelectChoice(state.value, words_desk.state(state)) for state in RequestState),
    ]
    page = request.args.get("page", "1")
    chosen = Filter(
        state=form.state.data or "waiting",
        text=form.text.data or "",
        mine=request.args.get("mine") == "1",
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )
    return render.page(
        "support.html",
        form=form,
        chosen=chosen,
        queue=desk.queue(rt, account, chosen),
        failed=len(outbox.failed(rt, reach)),
        handlers=_names,
        words_desk=words_desk,
    )


def show(request_id: str) -> ResponseReturnValue:
    """One request with everything that support decides by."""
    viewer()
    seen = desk.request_view(current.runtime(), current.account(), request_id, desk=True)
    return _page(seen, None)


def step(request_id: str, step: str) -> ResponseReturnValue:
    """Take one step; a fault in a form comes back with the page, a refused step as a message."""
    viewer()
    rt, account = current.runtime(), current.account()
    key = desk.request_view(rt, account, request_id, desk=True).id
    form = _FORMS.get(step, VersionForm)()
    if step not in _STEPS:
        abort(404)
    if pressed(form):
        try:
            flash(_STEPS[step](key, form), "ok")
        except WrongFields as error:
            form.take(error.faults, others="message")
        except Refusal as error:
            flash(words_desk.error(error), "warn")
    if form.faulty:
        seen = desk.request_view(rt, account, key, desk=True)
        return _page(seen, (step, form)), 422
    return redirect(url_for("gcal.support_request", request_id=key), 303)


def _page(seen: RequestView, tried: tuple[str, VersionForm] | None) -> str:
    rt, account = current.runtime(), current.account()
    tenant = rt.portal.tenant(seen.tenant_id)
    checklist = None
    if seen.state is RequestState.PROVISIONING:
        checklist = building.checklist(rt, account, seen.id)
    forms = {name: made(formdata=None, version=str(seen.version)) for name, made in _FORMS.items()}
    forms["plain"] = VersionForm(formdata=None, version=str(seen.version))
    offered = templates.price_templates(rt, account)
    _fill_quote(forms["quote"], seen, offered)
    if checklist is not None:
        forms["finish"].countries.data = ", ".join(sorted(checklist.policy.allowed_countries))
    if tried is not None:
        forms[tried[0]] = tried[1]
        tried[1].version.data = str(seen.version)
    return render.page(
        "support_request.html",
        seen=seen,
        steps=timeline(seen.state, seen.steps),
        tenant=tenant,
        holder=building.holder_check(rt.portal.account(seen.account_id)),
        checklist=checklist,
        forms=forms,
        templates=offered,
        can={action.value for action in seen.actions},
        handlers=_names,
        words_desk=words_desk,
        link=_link_of(seen),
    )


def _fill_quote(form: VersionForm, seen: RequestView, offered: list[templates.Template]) -> None:
    """The quote as it stands, or the template that was picked, or the first one."""
    picked = request.args.get("template", "")
    template = next((one for one in offered if str(one.id) == picked), None)
    if template is None and seen.monthly is None and offered:
        template = offered[0]
    days = template.valid_days if template else _QUOTE_DAYS
    until = current.now().astimezone(current.zone()) + timedelta(days=days)
    values = {"valid_until": until.date().isoformat(), "vat": "21", "summary": seen.summary}
    if template is not None:
        values |= {
            "once": formats.plain_amount(template.once),
            "monthly": formats.plain_amount(template.monthly),
            "vat": formats.plain_amount(template.vat),
            "summary": template.summary,
        }
    elif seen.once is not None and seen.monthly is not None:
        values |= {
            "once": formats.plain_amount(seen.once.amount),
            "monthly": formats.plain_amount(seen.monthly.amount),
            "vat": formats.plain_amount(seen.monthly.vat_percent),
        }
    for name, value in values.items():
        form[name].data = value


def _names(account_id: str | None) -> str:
    """Who an account is, for the desk's own pages."""
    found = current.runtime().portal.account(account_id) if account_id else None
    return (found.name or found.email) if found is not None else ""


def _link_of(seen: RequestView) -> bool | None:
    """Whether the extension's link is switched off; None where there is none."""
    if seen.link_id is None or seen.state.over:
        return None
    return guarding.is_killed(current.runtime(), viewer(), seen.link_id)


# -- the steps ----------------------------------------------------------------------------------


def _quote(key: UUID, form: QuoteForm) -> str:
    offer = Offer(
        once=form.once.data or "",
        monthly=form.monthly.data or "",
        vat=form.vat.data or "",
        valid_until=form.valid_until.data or "",
        summary=form.summary.data or "",
        note=form.note.data or "",
    )
    quoting.make_quote(current.runtime(), current.account(), key, form.seen, offer)
    return _("The quote has been sent.")


def _start(key: UUID, form: VersionForm) -> str:
    building.start(current.runtime(), current.account(), key, form.seen)
    return _("You can set up the extension now.")


def _finish(key: UUID, form: FinishForm) -> str:
    typed = (form.countries.data or "").upper().replace(",", " ").split()
    if any(len(code) != 2 or not code.isascii() or not code.isalpha() for code in typed):
        raise WrongFields({"countries": "not_a_country"})
    policy = {"allowed_countries": sorted(set(typed))} if typed else {}
    try:
        building.finish(current.runtime(), current.account(), key, form.seen, policy=policy)
    except WrongFields:
        raise WrongFields({"countries": "not_a_country"}) from None
    return _("The extension is ready; the customer has been told what to do next.")


def _note(key: UUID, form: NoteForm) -> str:
    desk.write_note(current.runtime(), current.account(), key, form.seen, form.message.data or "")
    return _("The message has been sent.")


def _take_over(key: UUID, form: VersionForm) -> str:
    desk.take_over(current.runtime(), current.account(), key, form.seen)
    return _("You handle this request now.")


def _cancel(key: UUID, form: CancelForm) -> str:
    why = form.why.data or ""
    ending.cancel(current.runtime(), current.account(), key, form.seen, why=why, as_desk=True)
    return _("The request has been cancelled.")


def _end(key: UUID, form: EndForm) -> str:
    day = (form.ends_on.data or "").strip()
    if not day and not form.now.data:
        # It takes away the access to the calendar: an empty field is no answer.
        raise WrongFields({"ends_on": "required"})
    why = form.why.data or ""
    ending.end_contract(current.runtime(), current.account(), key, form.seen, ends_on=day, why=why)
    return _("The end of the contract has been recorded.")


def _keep(key: UUID, form: VersionForm) -> str:
    ending.keep_contract(current.runtime(), current.account(), key, form.seen)
    return _("The contract goes on.")


def _switch(key: UUID, *, on: bool) -> None:
    rt, account = current.runtime(), current.account()
    link_id = desk.request_view(rt, account, key, desk=True).link_id
    if link_id is None:
        raise NotInReach("link")
    guarding.kill_link(rt, viewer(), link_id, actor=actor(account), on=on)


def _kill(key: UUID, form: VersionForm) -> str:
    del form
    _switch(key, on=True)
    return _("Forwarding is switched off for this extension.")


def _revive(key: UUID, form: VersionForm) -> str:
    del form
    _switch(key, on=False)
    return _("Forwarding is switched on again for this extension.")


_FORMS: dict[str, type[VersionForm]] = {
    RequestAction.QUOTE.value: QuoteForm,
    RequestAction.FINISH.value: FinishForm,
    "note": NoteForm,
    RequestAction.CANCEL.value: CancelForm,
    RequestAction.END.value: EndForm,
}
_STEPS = {
    "quote": _quote,
    "provision": _start,
    "finish": _finish,
    "note": _note,
    "take-over": _take_over,
    "cancel": _cancel,
    "end": _end,
    "keep": _keep,
    "kill": _kill,
    "revive": _revive,
}
