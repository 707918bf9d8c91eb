"""Beside the requests: provisioning directly, prices, blocked numbers, mails that failed."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...domain.reasons import Reason
from ...services import blocking, outbox
from ...services.access import actor
from ...services.blocking import NotANumber
from ...services.onboarding import direct as directly
from ...services.onboarding import templates
from ...services.onboarding.errors import WrongFields
from ...services.refusals import Refusal
from ...store.scope import NotInReach
from .. import current, formats, render, words, words_desk
from ..forms import ButtonForm
from ..forms_desk import BlockForm, DirectForm, PriceForm
from ..i18n import gettext as _
from .common import pressed
from .support import viewer


def direct() -> ResponseReturnValue:
    """Provision what was settled by telephone."""
    viewer()
    form = DirectForm()
    if pressed(form):
        try:
            made = directly.provision_directly(
                current.runtime(), current.account(),
                email=form.email.data or "", extension=form.extension.data or "",
                remarks=form.remarks.data or "",
            )  # fmt: skip
        except WrongFields as error:
            form.take(error.faults, others="extension")
        except Refusal as error:
            form.extension.errors = [words_desk.error(error)]
        else:
            flash(_("The extension is ready; the customer has been told what to do next."), "ok")
            return redirect(url_for("gcal.support_request", request_id=made), 303)
    return render.page("support_direct.html", form=form), (422 if form.faulty else 200)


def prices() -> ResponseReturnValue:
    """The tenant's price templates."""
    viewer()
    rt, account = current.runtime(), current.account()
    form = PriceForm()
    if request.method == "GET":
        form.vat.data, form.valid_days.data = "21", "30"
    if pressed(form):
        if gone := request.form.get("remove"):
            templates.remove_template(rt, account, _uuid(gone))
            flash(_("The price has been removed."), "ok")
            return redirect(url_for("gcal.support_prices"), 303)
        try:
            templates.save_template(
                rt, account,
                name=form.name.data or "", once=form.once.data or "",
                monthly=form.monthly.data or "", vat=form.vat.data or "",
                summary=form.summary.data or "", valid_days=form.valid_days.data or "",
            )  # fmt: skip
        except WrongFields as error:
            form.take(error.faults)
        else:
            flash(_("Saved."), "ok")
            return redirect(url_for("gcal.support_prices"), 303)
    offered = templates.price_templates(rt, account)
    return render.page(
        "support_prices.html", form=form, templates=offered, words_desk=words_desk
    ), (422 if form.faulty else 200)


def blocked() -> ResponseReturnValue:
    """Numbers that may not be forwarded to, for this tenant."""
    viewer()
    rt, account = current.runtime(), current.account()
    form = BlockForm()
    if pressed(form):
        try:
            if gone := request.form.get("remove"):
                blocking.unblock_number(rt, gone, actor=actor(account), tenant_id=account.tenant_id)
                flash(_("The number may be forwarded to again."), "ok")
            else:
                value = blocking.block_number(
                    rt, form.number.data or "", actor=actor(account),
                    tenant_id=account.tenant_id, note=form.note.data or "",
                )  # fmt: skip
                flash(
                    _("%(number)s is blocked; forwards to it end now.",
                      number=formats.phone(value)), "ok",
                )  # fmt: skip
            return redirect(url_for("gcal.support_blocked"), 303)
        except NotANumber as error:
            form.number.errors = [_number_fault(error)]
        except LookupError:
            raise NotInReach("number") from None
    numbers = blocking.blocked_numbers(rt, account.tenant_id)
    return render.page("support_blocked.html", form=form, numbers=numbers), (
        422 if form.faulty else 200
    )


def mails() -> ResponseReturnValue:
    """Letters that bounced or keep failing, each with a button to try again and one to leave it."""
    rt, account, reach = current.runtime(), current.account(), viewer()
    form = ButtonForm()
    if pressed(form):
        number = request.form.get("mail", "")
        if not (number.isascii() and number.isdigit() and len(number) < 18):
            abort(404)
        if "aside" in request.form:
            outbox.set_aside(rt, reach, int(number), actor=actor(account))
            flash(_("It is set aside, and is not sent any more."), "ok")
        else:
            outbox.retry(rt, reach, int(number), actor=actor(account))
            flash(_("The mail goes out again."), "ok")
        return redirect(url_for("gcal.support_mails"), 303)
    return render.page(
        "support_mails.html", form=form, mails=outbox.failed(rt, reach), words_desk=words_desk
    )


def _number_fault(error: NotANumber) -> str:
    text = words_desk.fault("not_a_number")
    if error.reason in set(Reason) - {Reason.ORDINARY_TEXT}:
        text = words.reason(Reason(error.reason))
    if error.suggestion:
        text += " " + _("Did you mean %(title)s?", title=error.suggestion)
    return text


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotInReach("id") from None
