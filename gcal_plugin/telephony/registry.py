"""Which backends there are, and how an entry of `GCAL_TELEPHONY` becomes an exchange.

The shipped backends load on first use; others come from `register_telephony` or from the entry
point group `gcal_plugin.telephony`. A name is taken once: a second one is a fault, never a
silent replacement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from pydantic import ValidationError

from ..ports.telephony import Telephony
from .faults import ConfigFault, ConfigFaults, faults_of

GROUP = "gcal_plugin.telephony"
SETTING = "GCAL_TELEPHONY"


class TelephonyFactory(Protocol):
    """Makes an exchange from its settings entry (without `backend`).

    Wrong keys are told by a pydantic `ValidationError` or by `ConfigFaults`.
    """

    def __call__(self, name: str, config: dict[str, Any], /) -> Telephony: ...


class DuplicateBackend(ValueError):
    """Two backends want the same name."""


_SHIPPED = {
    "asterisk": "asterisk:build_family",
    "broadworks": "broadworks:build",
    "freepbx": "asterisk:build_forward",
    "freepbx-followme": "asterisk:build_followme",
    "kamailio": "kamailio:build",
    "memory": "memory:build",
    "pull": "pull:build",
    "webhook": "webhook:build",
}
_registered: dict[str, TelephonyFactory] = {}


def register_telephony(name: str, factory: TelephonyFactory) -> None:
    """Make `factory` the backend called `name`; `DuplicateBackend` where the name is taken."""
    if not name or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{name!r} is no name for a backend: letters, digits, - and _")
    if name in _SHIPPED or name in _registered:
        raise DuplicateBackend(f"the telephony backend {name!r} exists already")
    _registered[name] = factory


def unregister_telephony(name: str) -> None:
    """Take back what `register_telephony` added (tests and plug-in reloads)."""
    _registered.pop(name, None)


def backends(discovered: Iterable[EntryPoint] | None = None) -> list[str]:
    """The names that `backend` can have, sorted."""
    return sorted({*_SHIPPED, *_registered, *_announced(discovered)})


def build(
    name: str, config: Mapping[str, Any], *, discovered: Iterable[EntryPoint] | None = None
) -> Telephony:
    """One exchange from its settings entry; raises `ConfigFaults` with every wrong key."""
    prefix = f"{SETTING}.{name}"
    values = dict(config)
    backend = values.pop("backend", None)
    known = ", ".join(backends(discovered))
    if not isinstance(backend, str) or not backend:
        raise ConfigFaults([ConfigFault(f"{prefix}.backend", f"is missing; one of: {known}")])
    factory = _factory(backend, discovered)
    if factory is None:
        raise ConfigFaults([ConfigFault(f"{prefix}.backend", f"{backend!r} is none of: {known}")])
    try:
        return factory(name, values)
    except ValidationError as error:
        raise ConfigFaults(faults_of(error, prefix)) from None


def build_all(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Telephony]:
    """Every exchange of `GCAL_TELEPHONY`; raises `ConfigFaults` with the faults of all of them."""
    built: dict[str, Telephony] = {}
    faults: list[ConfigFault] = []
    for name, config in settings.items():
        try:
            built[name] = build(name, config)
        except ConfigFaults as error:
            faults.extend(error.faults)
    if faults:
        raise ConfigFaults(faults)
    return built


def _factory(backend: str, discovered: Iterable[EntryPoint] | None) -> TelephonyFactory | None:
    if backend in _registered:
        return _registered[backend]
    if backend in _SHIPPED:
        module, _, attribute = _SHIPPED[backend].partition(":")
        shipped: TelephonyFactory = getattr(import_module(f"{__package__}.{module}"), attribute)
        return shipped
    point = _announced(discovered).get(backend)
    if point is None:
        return None
    loaded: TelephonyFactory = point.load()
    return loaded


def _announced(discovered: Iterable[EntryPoint] | None) -> dict[str, EntryPoint]:
    """Installed packages' backends by name; two packages with one name are a fault."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP) if discovered is None else discovered:
        if point.name in _SHIPPED or point.name in found:
            raise DuplicateBackend(
                f"the telephony backend {point.name!r} of {point.value} exists already"
            )
        found[point.name] = point
    return found
