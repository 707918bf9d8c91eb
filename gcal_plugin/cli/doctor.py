"""`flask gcal doctor`: is everything in place, and what to mend where it is not."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

import click
from flask import current_app

from ..services.checking import Finding
from ..services.doctor import examine
from ..services.runtime import Runtime
from .shared import as_json, gcal, runtime, tell


@gcal.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check settings, Google, push address, Redis, database, clocks, exchanges and the host."""
    rt = runtime()
    findings = [*examine(rt), _form_action(rt)]
    text = "\n".join(
        f"{'ok  ' if one.ok else 'MEND'} {one.what}{': ' if one.detail else ''}{one.detail}"
        + (f"\n     {one.mend}" if one.mend else "")
        for one in findings
    )
    rows = [
        {"what": one.what, "ok": one.ok, "detail": one.detail, "mend": one.mend} for one in findings
    ]
    tell({"ok": all(one.ok for one in findings), "findings": rows}, as_json=as_json, text=text)
    if not all(one.ok for one in findings):
        raise click.exceptions.Exit(1)


def _form_action(rt: Runtime) -> Finding:
    """Chromium applies `form-action` to the redirect that follows our POST to Google.

    Of several policies each has to allow it. What a proxy in front adds is not seen from here.
    """
    what = "host's form-action"
    answer = current_app.test_client().get(rt.url_prefix + "/")
    lists = [
        words[1:]
        for policy in answer.headers.getlist("Content-Security-Policy")
        for part in policy.replace(",", ";").split(";")
        if (words := part.split()) and words[0].lower() == "form-action"
    ]
    if not lists:
        return Finding(what, True, "not restricted")
    place = urlsplit(rt.settings.google_metadata_url)
    told = "; ".join(" ".join(allowed) for allowed in lists)
    if all(any(_allows(source, place) for source in allowed) for allowed in lists):
        return Finding(what, True, told)
    origin = f"{place.scheme}://{place.netloc}"
    mend = f"Add {origin} to form-action in the host's Content-Security-Policy."
    return Finding(what, False, told, mend)


def _allows(source: str, place: SplitResult) -> bool:
    """Whether a source of a policy covers that place: `*`, a scheme, a host, or all below one."""
    source = source.lower().rstrip("/")
    if source in {"*", f"{place.scheme}:", place.netloc, f"{place.scheme}://{place.netloc}"}:
        return True
    host = source.removeprefix(f"{place.scheme}://")
    return host.startswith("*.") and place.netloc.endswith(host[1:])
