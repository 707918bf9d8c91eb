"""Calendar-driven call forwarding for telecom portals.

The public names load on first use, so that importing one room (the pure domain in a tool, say)
does not import Flask, Google's libraries and every PBX adapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .extension import GCalPlugin
    from .ports import Account, Extension, ExtensionKind, OAuthClient, Portal, Role, Tenant
    from .telephony.registry import register_telephony

__all__ = [
    "Account",
    "Extension",
    "ExtensionKind",
    "GCalPlugin",
    "OAuthClient",
    "Portal",
    "Role",
    "Tenant",
    "__version__",
    "register_telephony",
]

_HOMES = {
    "GCalPlugin": "extension",
    "register_telephony": "telephony.registry",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES.get(name, 'ports')}", __name__), name)
