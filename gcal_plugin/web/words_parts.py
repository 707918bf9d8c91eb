"""Destinations and extensions in words, with their names beside their numbers."""

from __future__ import annotations

from ..ports import ExtensionKind
from ..services.reporting import DestinationView
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l

_KINDS = {
    ExtensionKind.PHONE: _l("phone"),
    ExtensionKind.GROUP: _l("ring group"),
    ExtensionKind.MENU: _l("menu"),
    ExtensionKind.VOICEMAIL: _l("voicemail"),
}


def kind(value: ExtensionKind) -> str:
    """What answers at an extension."""
    return str(_KINDS[value])


def destination(view: DestinationView) -> str:
    """A number or extension, with its name where there is one."""
    number = formats.phone_kept(view.value)
    return f"{number} ({view.name})" if view.name else number


def destinations(views: tuple[DestinationView, ...]) -> str:
    """Several of them in one phrase."""
    names = [destination(view) for view in views]
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s", first=", ".join(names[:-1]), last=names[-1])
