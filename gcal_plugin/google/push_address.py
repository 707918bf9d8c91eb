"""Does the address that Google posts changes to lead to our hook? Asked as Google would ask."""

from __future__ import annotations

import httpx

from ..ports import CalendarError
from .errors import unreachable

_STRANGER = {
    "X-Goog-Channel-ID": "doctor",
    "X-Goog-Channel-Token": "doctor",
    "X-Goog-Resource-State": "exists",
}
"""A channel that nobody opened: the hook refuses it, and nothing happens."""


def ask_hook(address: str, timeout: float) -> None:
    """Returns where our own hook answers; raises `CalendarError` with what stands there instead.

    Google follows no redirect and accepts no certificate that is not valid, so neither do we.
    """
    try:
        answer = httpx.post(address, headers=_STRANGER, timeout=timeout, follow_redirects=False)
    except httpx.HTTPError as error:
        raise unreachable(error) from None
    # The hook's refusal: no page, and with the plugin's headers. Other people's 404s are pages.
    kept = answer.headers.get("Cache-Control", "")
    if answer.status_code == 404 and not answer.content and kept == "no-store":
        return
    leads = f" to {answer.headers['Location']}" if answer.has_redirect_location else ""
    raise CalendarError(f"it answers {answer.status_code}{leads}", reason="not_the_hook")
