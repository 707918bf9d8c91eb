"""The request and desk pages of the gallery: a quote that waits, a checklist, things gone wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from wtforms.fields.choices import SelectChoice

from ...domain.money import Price
from ...domain.policy import Policy
from ...domain.request_state import RequestAction, RequestState
from ...ports import Capabilities, Extension, Line
from ...services.blocking import Blocked
from ...services.onboarding.asking import Choice, PreparedMail
from ...services.onboarding.building import Checklist, LineCheck
from ...services.onboarding.desk import Filter, Queue, RequestView, Step
from ...services.onboarding.templates import Template
from ...services.outbox import FailedMail
from ...services.reporting.requests import timeline
from ...services.stopping import TenantSwitch, Why
from .. import current, words_desk
from ..forms import ButtonForm
from ..forms_desk import (
    AnswerForm,
    BlockForm,
    DirectForm,
    EndForm,
    FinishForm,
    NoteForm,
    PriceForm,
    QueueForm,
    QuoteForm,
    RequestForm,
    StopForm,
    VersionForm,
)
from .people import NOW, at

_ID = UUID("01930000-0000-7000-8000-000000000001")
_SUMMARY = "Maandelijks opzegbaar.\nDe eerste maand is gratis."


def _view(state: RequestState, *actions: RequestAction) -> RequestView:
    price = Price(Decimal("12.50"))
    steps = (
        Step(at(-2, "10:00"), "customer:1", "request", "requested", {}),
        Step(at(-1, "11:30"), "support:4", "quote", "quoted",
             {"once": "25.00", "monthly": "12.50"}),
        Step(at(-1, "11:45"), "support:4", "note", "quoted", {"note": "Bel gerust even."}),
    )  # fmt: skip
    return RequestView(
        id=_ID, version=3, state=state, tenant_id="preview", account_id="1",
        account_email="jan@bakkerij-jansen.example", customer_code="BW1001",
        customer_name="Bakkerij Jansen", domain="bakkerij-jansen.example", extension="201",
        remarks="Graag voor 1 december.", note="Bel gerust even.", handler=None, quote=1,
        once=Price(Decimal(25)), monthly=price, summary=_SUMMARY,
        rate_text="EUR 0,05 per minuut naar mobiel", valid_until=at(20, "23:59"),
        terms_version="2026-11", agreed_at=at(0, "09:00"), link_id=None, ends_at=None,
        created_at=at(-2, "10:00"), changed_at=at(-1, "11:45"), age=timedelta(days=1, hours=2),
        expired=False, stuck=False, actions=frozenset(actions), steps=steps,
    )  # fmt: skip


def _names(account_id: str | None) -> str:
    return {"1": "Jan Jansen", "4": "Sam van Belwinkel"}.get(account_id or "", "")


def _ask() -> dict[str, Any]:
    form = RequestForm(formdata=None, email="jan@bakkerij-jansen.example", customer_code="BW1001")
    form.extensions.data = ["201"]
    form.take({"customer_name": "required", "extensions": "taken"})
    choices = [
        Choice(Extension("200", "Winkel"), request_id=_ID),
        Choice(Extension("201", "Kantoor")),
        Choice(Extension("333", "Werkplaats"), holder="Els Jansen"),
    ]
    return {"form": form, "choices": choices, "free": True, "by_mail": False}


def _ask_by_mail() -> dict[str, Any]:
    mail = PreparedMail(
        "hulp@voorbeeld.example", "Aanvraag Google Calendar Integratie BW1001",
        "Klantcode: BW1001\r\nExtensie(s): 201",
    )  # fmt: skip
    return {"mail": mail}


def _asked() -> dict[str, Any]:
    views = [_view(RequestState.QUOTED), _view(RequestState.REQUESTED)]
    return {"requests": views, "words_desk": words_desk, "earlier": True}


def _quoted() -> dict[str, Any]:
    seen = _view(
        RequestState.QUOTED, RequestAction.AGREE, RequestAction.DECLINE, RequestAction.CANCEL
    )
    return {
        "seen": seen, "steps": timeline(seen.state, seen.steps), "tenant": current.tenant(),
        "form": AnswerForm(formdata=None), "can": {one.value for one in seen.actions},
        "words_desk": words_desk,
    }  # fmt: skip


def _queue() -> dict[str, Any]:
    form = QueueForm(formdata=None)
    form.state.choices = []
    stuck = _view(RequestState.REQUESTED)
    rows = (stuck, _view(RequestState.AGREED))
    queue = Queue(rows, 120, 3, {"requested": 1, "agreed": 1})
    return {
        "form": form, "chosen": Filter(), "queue": queue, "failed": 2, "handlers": _names,
        "words_desk": words_desk,
    }  # fmt: skip


def _template() -> Template:
    return Template(_ID, "Standaard", Decimal(25), Decimal("12.5"), Decimal(21), _SUMMARY, 30)


def _request() -> dict[str, Any]:
    seen = _view(
        RequestState.PROVISIONING, RequestAction.QUOTE, RequestAction.PROVISION,
        RequestAction.FINISH, RequestAction.CANCEL, RequestAction.END,
    )  # fmt: skip
    checklist = Checklist(
        line=Line("bakkerij-jansen.example", "201"), pbx="main", pbx_choices=("main",),
        check=LineCheck("found", ("+31612345678",)), listed=False, policy=Policy(),
        capabilities=Capabilities(max_destinations=10, answer_confirmation=True, ring_seconds=25),
    )  # fmt: skip
    quote = QuoteForm(formdata=None, once="25", monthly="12,50", vat="21")
    quote.take({"valid_until": "in_the_past"})
    forms: dict[str, Any] = {
        "quote": quote, "finish": FinishForm(formdata=None, countries="NL"),
        "note": NoteForm(formdata=None), "cancel": EndForm(formdata=None, prefix="cancel"),
        "end": EndForm(formdata=None), "plain": VersionForm(formdata=None),
    }  # fmt: skip
    return {
        "seen": seen, "steps": timeline(seen.state, seen.steps), "tenant": current.tenant(),
        "checklist": checklist, "forms": forms, "templates": [_template()],
        "can": {one.value for one in seen.actions}, "handlers": _names, "link": False,
        "words_desk": words_desk,
    }  # fmt: skip


def _direct() -> dict[str, Any]:
    form = DirectForm(formdata=None, email="jan@bakkerij-jansen.example")
    form.take({"extension": "unknown_extension"})
    return {"form": form}


def _prices() -> dict[str, Any]:
    form = PriceForm(formdata=None, vat="21", valid_days="30", once="gratis")
    form.take({"once": "price_unreadable"})
    return {"form": form, "templates": [_template()], "words_desk": words_desk}


def _blocked() -> dict[str, Any]:
    numbers = [
        Blocked("+31612345678", NOW, "support:4", "ticket 5", everywhere=False),
        Blocked("+31201234567", NOW, "operator:1", "", everywhere=True),
    ]
    return {"form": BlockForm(formdata=None), "numbers": numbers}


def _mails() -> dict[str, Any]:
    mails = [
        FailedMail(1, "quote", "weg@bakkerij-jansen.example", _ID, None, 1,
                   "550 5.1.1 No such mailbox", NOW, given_up=True),
        FailedMail(2, "done", "jan@bakkerij-jansen.example", None, None, 3,
                   "451 4.3.0 Try again later", NOW, given_up=False),
    ]  # fmt: skip
    return {"form": ButtonForm(formdata=None), "mails": mails, "words_desk": words_desk}


def _stop() -> dict[str, Any]:
    form = StopForm(formdata=None)
    form.why.choices = [SelectChoice("", "-")] + [
        SelectChoice(one.value, words_desk.why_stopped(one)) for one in Why
    ]
    form.take({"why": "required"})
    return {"form": form, "switch": TenantSwitch(214, 37), "words_desk": words_desk}


def _stopped() -> dict[str, Any]:
    switch = TenantSwitch(214, 1, off_since=at(0, "10:55"), why=Why.FRAUD)
    return _stop() | {"switch": switch}


MAKERS = {
    "request": ("request.html", _ask),
    "request-mail": ("request_mail.html", _ask_by_mail),
    "requests": ("request_list.html", _asked),
    "quote": ("request_show.html", _quoted),
    "desk": ("support.html", _queue),
    "desk-request": ("support_request.html", _request),
    "desk-direct": ("support_direct.html", _direct),
    "desk-prices": ("support_prices.html", _prices),
    "desk-blocked": ("support_blocked.html", _blocked),
    "desk-mails": ("support_mails.html", _mails),
    "desk-stop": ("support_stop.html", _stop),
    "desk-stopped": ("support_stop.html", _stopped),
}
"""Template and maker of each page, by its name."""
