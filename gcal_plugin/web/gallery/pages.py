"""The pages of the gallery: a name, its template, and what it is shown with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from ...domain.destination import Destination, Kind
from ...domain.policy import Verdict
from ...domain.request_state import RequestState
from ...ports import CalendarInfo, Capabilities
from ...services.linking import Choice, Standing
from ...services.reporting import PageState, StatusView
from ...services.reporting.requests import OpenRequest
from ...services.trying import Tick
from .. import words_desk
from ..forms import (
    ButtonForm,
    CalendarForm,
    PlanForm,
    PrecautionsForm,
    TrialForm,
)
from ..i18n import gettext as _
from ..pages.operator import context as board_context
from ..pages.status import context as status_context
from ..pages.testing import labels
from . import desk
from .board import board_view
from .meanwhile import meanwhile_views
from .views import FACTS, LINK, views

EXAMPLE = UUID(int=1)
Maker = Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """One page: its template below `gcal/`, and a maker of its values (run inside a request)."""

    template: str
    make: Maker


def _state(state: PageState) -> Maker:
    def make() -> dict[str, Any]:
        told = None
        if state is PageState.DISCONNECTED:
            told = {"forward": "done", "access": "done", "email": FACTS.email}
        return status_context(views()[state], told=told)

    return make


def _meanwhile(view: StatusView) -> Maker:
    return lambda: status_context(view)


def _confirm() -> dict[str, Any]:
    return {"view": views()[PageState.CONFIRM], "form": ButtonForm()}


def _calendars() -> dict[str, Any]:
    found = [
        CalendarInfo("1", "Bereikbaarheid", "Europe/Amsterdam", "owner"),
        CalendarInfo("2", "Jan Jansen", "Europe/Amsterdam", "owner", primary=True),
        CalendarInfo(
            "3", "Rooster winkel", "Europe/Amsterdam", "reader", owner="els@bakkerij-jansen.example"
        ),
        CalendarInfo("4", "Bezet: Els", "Europe/Amsterdam", "freeBusyReader"),
    ]
    choice = Choice(
        link_id=LINK,
        email=FACTS.email,
        previous_email="jan.oud@bakkerij-jansen.example",
        calendars=found,
        chosen="1",
        also_on={"2": ["201"]},
        capabilities=Capabilities(caller_number="caller", max_destinations=10),
        standing=Standing(frozenset({Destination(Kind.NUMBER, "+31612345678")})),
        fallback_number=None,
        stale_choice="keep",
        second_contact=None,
    )
    form = CalendarForm(data={"calendar": "1"})
    form.replace_forward.errors = [_("Say what should happen to the forward that is there.")]
    return {
        "choice": choice,
        "calendars": found,
        "does": words_desk.capabilities(choice.capabilities) if choice.capabilities else [],
        "chosen": "1",
        "form": form,
        "action": "#",
        "again": "#",
        "cancel": "#",
    }


def _precautions() -> dict[str, Any]:
    form = PrecautionsForm(data={"stale_choice": "fallback", "fallback": "0900-8844"})
    form.fallback.errors = [_("Premium numbers are not forwarded to.")]
    return {"form": form, "link": FACTS}


def _plan() -> dict[str, Any]:
    form = PlanForm(
        data={"number": "06 12345678", "date": "2026-11-25", "start": "09:00", "end": "17:00"}
    )
    verdict = Verdict(Kind.NUMBER, "+31612345678", allowed=True)
    return {
        "form": form,
        "view": views()[PageState.IDLE],
        "address": "https://calendar.google.com/calendar/render?action=TEMPLATE",
        "verdict": verdict,
        "action": "#",
    }


def _test() -> dict[str, Any]:
    report = (
        Tick("grant", True),
        Tick("calendar", True, "Bereikbaarheid"),
        Tick("exchange", False, "503 Service Unavailable"),
    )
    return {
        "view": views()[PageState.IDLE],
        "report": report,
        "form": ButtonForm(),
        "trial": TrialForm(),
        "seconds": 60,
        "labels": labels(),
    }


def _overview() -> dict[str, Any]:
    all_views = views()
    listed = [
        all_views[PageState.FORWARDING],
        replace(
            all_views[PageState.IDLE],
            link=replace(FACTS, extension="201", name="Kantoor"),
        ),
        replace(
            all_views[PageState.RECONNECT],
            link=replace(FACTS, extension="300", name="Bestellijn"),
        ),
    ]
    waiting = [
        OpenRequest(EXAMPLE, extension, state)
        for extension, state in (("202", RequestState.QUOTED), ("301", RequestState.AGREED))
    ]
    return {
        "views": listed,
        "form": ButtonForm(),
        "open_requests": waiting,
        "words_desk": words_desk,
    }


def _entry() -> dict[str, Any]:
    quotes = [OpenRequest(EXAMPLE, "202", RequestState.QUOTED)]
    return {"view": views()[PageState.FORWARDING], "many": 1, "quotes": quotes, "url": "#"}


def _error() -> dict[str, Any]:
    return {
        "heading": _("Page not found"),
        "text": _("This page does not exist, or is not yours."),
        "home": "#",
    }


def _operator() -> dict[str, Any]:
    return board_context(board_view())


PAGES: dict[str, GalleryPage] = {
    **{
        state.value: GalleryPage("status.html", _state(state))
        for state in PageState
        if state is not PageState.CONFIRM
    },
    PageState.CONFIRM.value: GalleryPage("disconnect.html", _confirm),
    **{
        name: GalleryPage("status.html", _meanwhile(view))
        for name, view in meanwhile_views().items()
    },
    "calendars": GalleryPage("calendars.html", _calendars),
    "precautions": GalleryPage("precautions.html", _precautions),
    "plan": GalleryPage("plan.html", _plan),
    "test": GalleryPage("test.html", _test),
    "overview": GalleryPage("overview.html", _overview),
    "error": GalleryPage("error.html", _error),
    "operator": GalleryPage("operator.html", _operator),
    "entry": GalleryPage("gallery_entry.html", _entry),
    **{name: GalleryPage(template, make) for name, (template, make) in desk.MAKERS.items()},
}
"""Every page by its name; the nineteen states go by their code."""

STATES = tuple(state.value for state in PageState)
