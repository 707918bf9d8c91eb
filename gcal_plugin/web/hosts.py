"""Many brands, one Google: one registered callback for every host name, and the way back.

Google redirects to one address (`GCAL_CALLBACK_URL`), also for a person who began on another
brand's host name. There the browser has no session of theirs, so nothing is finished: the answer
is handed over to the host where they began. What is handed over works once, for fifteen minutes,
only in the session that began (the attempt is bound to it) and only with the verifier that never
left our database; a host is only ever one that the portal names, so that nobody can send it
elsewhere.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request, url_for

from ..services.runtime import Runtime


def known(rt: Runtime) -> dict[str, str]:
    """The hosts (with port) that are the portal's own, each with its scheme."""
    addresses = [tenant.public_url for tenant in rt.portal.tenants()]
    addresses += [rt.settings.public_url, rt.settings.callback_url]
    found: dict[str, str] = {}
    for address in addresses:
        parts = urlsplit(address)
        if parts.netloc:
            found[parts.netloc.lower()] = parts.scheme
    return found


def callback(rt: Runtime) -> tuple[str, str]:
    """The redirect address for this request, and the host to come back to ("" for this one)."""
    registered = rt.settings.callback_url
    if not registered:
        return url_for("gcal.callback", _external=True), ""
    here = request.host.lower()
    if here == urlsplit(registered).netloc.lower() or here not in known(rt):
        return registered, ""
    return registered, here


def hand_over(rt: Runtime, return_host: str | None) -> str | None:
    """The callback's address on the host where the person began; None where it is this one."""
    host = (return_host or "").lower()
    if not host or host == request.host.lower():
        return None
    scheme = known(rt).get(host)
    if scheme is None:
        return None
    return f"{scheme}://{host}{url_for('gcal.callback')}"
