"""`flask gcal doctor`: is everything in place, and what to mend where it is not."""

from __future__ import annotations

from urllib.parse import urlsplit

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
    """Chromium applies `form-action` to the redirect that follows our POST to Google."""
    answer = current_app.test_client().get(rt.url_prefix + "/")
    policy = answer.headers.get("Content-Security-Policy", "")
    directives = {words[0]: words[1:] for part in policy.split(";") if (words := part.split())}
    if "form-action" not in directives:
        return Finding("host's form-action", True, "not restricted")
    metadata = urlsplit(rt.settings.google_metadata_url)
    origin = f"{metadata.scheme}://{metadata.netloc}"
    allowed = directives["form-action"]
    if origin in allowed:
        return Finding("host's form-action", True, " ".join(allowed))
    mend = f"Add {origin} to form-action in the host's Content-Security-Policy."
    return Finding("host's form-action", False, " ".join(allowed), mend)
