"""What a person's browser does at the local Google, without a browser."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx


def consent(
    authorize_url: str,
    email: str,
    *,
    deny: bool = False,
    untick: tuple[str, ...] = (),
) -> dict[str, str]:
    """Choose an account, tick or untick, allow or cancel; answers the callback's query.

    `untick` names scopes by their last part ("calendar.events.readonly").
    """
    asked = dict(parse_qsl(urlsplit(authorize_url).query))
    parts = urlsplit(authorize_url)
    home = f"{parts.scheme}://{parts.netloc}"
    wanted = [scope for scope in asked["scope"].split() if scope.rpartition("/")[2] not in untick]
    form: dict[str, str | list[str]] = {**asked, "account": email, "granted": wanted}
    form["decision"] = "deny" if deny else "allow"
    with httpx.Client(timeout=10, headers={"Origin": home}) as browser:
        chooser = browser.get(authorize_url)
        assert email in chooser.text, "the account chooser is always shown"
        answer = browser.post(f"{home}/signin/consent", data=form)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
