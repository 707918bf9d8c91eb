"""Behind a proxy, one hop is believed, as the documentation says, and not a word more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from gcal_plugin.web import limits
from tests.servers.databases import Databases
from tests.support.portal_app import PREFIX, portal

DOCUMENTED = Path(__file__).parents[2] / "docs" / "security.md"
PROXY = "10.0.0.1"
"""The proxy's own address, as the application sees it."""


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    """The portal with the documented line, and with few guesses allowed."""
    line = re.search(
        r"app\.wsgi_app = ProxyFix\(app\.wsgi_app, (.*)\)$", DOCUMENTED.read_text(), re.MULTILINE
    )
    assert line is not None
    hops = {name: int(count) for name, count in re.findall(r"(\w+)=(\d)", line[1])}
    assert set(hops.values()) == {1}, "more than one hop is believed"
    with portal(databases, GCAL_TRUSTED_HOSTS=["portal.example"]) as made:
        made.wsgi_app = ProxyFix(made.wsgi_app, **hops)  # type: ignore[method-assign]
        yield made


def ask(app: Flask, path: str, **headers: str) -> tuple[int, str]:
    given = {"Host": "portal.example"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    answer = app.test_client().get(
        f"{PREFIX}{path}", headers=given, environ_base={"REMOTE_ADDR": PROXY}
    )
    return answer.status_code, answer.headers.get("Location", "")


def test_an_address_that_the_visitor_made_up_does_not_count(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy appends the address it saw; what stands before that are the visitor's own words."""
    monkeypatch.setitem(limits.PER_MINUTE, "guess", 4)
    seen = [
        ask(app, "/callback", X_Forwarded_For=f"192.0.2.{number}, 198.51.100.7")[0]
        for number in range(6)
    ]
    assert seen.count(429) == 2
    assert seen[4:] == [429, 429]
    # Somebody else behind the same proxy has a share of their own.
    assert ask(app, "/callback", X_Forwarded_For="198.51.100.8")[0] != 429


@pytest.mark.parametrize(
    "forwarded, served",
    [
        ("portal.example", True),
        ("evil.example, portal.example", True),
        ("evil.example", False),
        ("portal.example, evil.example", False),
    ],
)
def test_the_name_that_the_proxy_tells_has_to_be_ours_too(
    app: Flask, forwarded: str, served: bool
) -> None:
    status, where = ask(app, "/", X_Forwarded_Host=forwarded)
    assert status == (302 if served else 400)
    assert "evil" not in where


def test_other_ways_to_name_a_host_are_only_words(app: Flask) -> None:
    for header in ("Forwarded", "X_Original_Host", "X_Host", "X_Forwarded_Server", "X_Rewrite_Url"):
        status, where = ask(app, "/", **{header: "host=evil.example"})
        assert status == 302
        assert "evil" not in where
