"""No secret in a log, a page, a job, an error or a repr: one life of a link, all captured."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import redis
import sqlalchemy as sa
import structlog
from flask import Flask

from example_app.database import db
from example_app.fake_google.process import LocalGoogle
from gcal_plugin.ports import AccessToken, CalendarError, GrantedTokens
from gcal_plugin.services import grant_tokens, resyncing
from gcal_plugin.services.privacy import export_account
from gcal_plugin.store.crypto import CannotOpen, Keyring, new_key
from gcal_plugin.store.tables import Attempt, Base, Consent, Grant
from tests.servers import free_port
from tests.servers.databases import Databases
from tests.support.consent import consent
from tests.support.portal_app import JAN, OPERATOR, PREFIX, Person, portal

PULL_TOKEN = "canary-pull-token-canary"
METRICS_TOKEN = "canary-metrics-token-canary"
WEBHOOK_SECRET = "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5"
GMAIL = "jan@gmail.example"


@dataclass
class Captured:
    """Everything that could carry a secret out, by where it came from."""

    places: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def add(self, place: str, text: object) -> None:
        self.places[place] = self.places.get(place, "") + f"\n{text}"

    def leaks(self) -> list[str]:
        return [
            f"{name} in {place}"
            for name, secret in self.secrets.items()
            for place, text in self.places.items()
            if secret in text
        ]


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as server:
        yield server


def opened(app: Flask, captured: Captured) -> None:
    """Note the tokens that are in the database now, in clear; the database itself is searched."""
    with app.app_context():
        rt = app.extensions["gcal"]
        with rt.store.begin() as session:
            for grant in session.scalars(sa.select(Grant)):
                note(
                    captured,
                    "refresh token",
                    grant_tokens.refresh_token_of(rt.store.keyring, grant),
                )
                note(
                    captured, "access token", grant_tokens.access_token_of(rt.store.keyring, grant)
                )
            for pending in session.scalars(sa.select(Consent)):
                refresh, access = grant_tokens.consent_tokens(rt.store.keyring, pending)
                note(captured, "refresh token", refresh)
                note(captured, "access token", access)
            for attempt in session.scalars(sa.select(Attempt)):
                at = f"gcal_attempt:{attempt.state_digest}:secrets"
                note(
                    captured, "verifier", json.loads(rt.store.keyring.open(attempt.secrets, at))[1]
                )
            for table in Base.metadata.sorted_tables:
                captured.add("database", [tuple(row) for row in session.execute(sa.select(table))])
            captured.add("reprs", [repr(row) for row in session.scalars(sa.select(Grant))])
        db.session.remove()


def note(captured: Captured, name: str, secret: str | None) -> None:
    if secret and secret not in captured.secrets.values():
        captured.secrets[f"{name} {len(captured.secrets)}"] = secret


def test_no_secret_leaves_by_any_door(
    databases: Databases,
    google: LocalGoogle,
    redis_url: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    captured = Captured()
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    google.reset()
    google.add_account(GMAIL)
    google.add_calendar("rota", GMAIL, summary="Rota")
    settings: dict[str, Any] = {
        "GCAL_GOOGLE_CLIENT_ID": google.client_id,
        "GCAL_GOOGLE_CLIENT_SECRET": google.client_secret,
        "GCAL_GOOGLE_METADATA_URL": google.metadata_url,
        "GCAL_GOOGLE_API_ROOT": google.url,
        "GCAL_REDIS_URL": redis_url,
        "GCAL_PUBLIC_URL": "https://127.0.0.1:9",  # `doctor` posts to it
        "GCAL_PULL_TOKENS": {"main": PULL_TOKEN},
        "GCAL_METRICS_TOKEN": METRICS_TOKEN,
        "GCAL_TELEPHONY": {
            "main": {
                "backend": "webhook",
                "url": f"http://127.0.0.1:{free_port()}",
                "secret": WEBHOOK_SECRET,
                "allow_loopback": True,
            }
        },
    }  # fmt: skip
    with portal(databases, **settings) as app:
        captured.secrets |= {
            "client secret": google.client_secret,
            "encryption key": app.config["GCAL_ENCRYPTION_KEYS"][0],
            "pull token": PULL_TOKEN,
            "metrics token": METRICS_TOKEN,
            "webhook secret": WEBHOOK_SECRET.removeprefix("whsec_"),
        }
        live_a_life(app, google, captured, redis_url)
        ask_around(app, captured)
        structlog.get_logger("gcal_plugin").warning("the structured log is captured too")
    root.removeHandler(handler)
    captured.add("log", lines.getvalue())
    out, err = capfd.readouterr()
    captured.add("output", out + err)
    assert len(captured.secrets) >= 9, captured.secrets.keys()
    for place in ("log", "output", "pages", "jobs", "database", "errors", "reprs", "commands"):
        assert len(captured.places.get(place, "")) > 10, f"nothing was captured of: {place}"
    assert captured.leaks() == []


def live_a_life(app: Flask, google: LocalGoogle, captured: Captured, redis_url: str) -> None:
    """Connect, choose, fetch, lose access, connect again, disconnect; every page is kept."""
    jan = Person(app, JAN)

    def see(answer: Any) -> None:
        captured.add("pages", f"{answer.headers}\n{answer.get_data(as_text=True)}")

    def connect() -> None:
        see(jan.get(f"{PREFIX}/"))
        answer = jan.client.post(f"{PREFIX}/connect", data={"csrf_token": token(jan)})
        opened(app, captured)
        # The browser's own log is its owner's; ours begins again when it comes back.
        logging.disable(logging.CRITICAL)
        query = consent(answer.headers["Location"], GMAIL)
        logging.disable(logging.NOTSET)
        captured.secrets[f"code {len(captured.secrets)}"] = query["code"]
        see(jan.client.get(f"{PREFIX}/callback", query_string=query))
        opened(app, captured)
        # The same callback once more, and with a code that Google never gave.
        see(jan.client.get(f"{PREFIX}/callback", query_string=query))

    connect()
    see(jan.get(f"{PREFIX}/calendars"))
    see(jan.post(f"{PREFIX}/calendars", calendar="rota"))
    now = datetime.now(UTC)
    google.add_event("rota", "0612345678", now, now + timedelta(hours=1))
    fetch(app, captured)
    see(jan.get(f"{PREFIX}/"))
    with redis.Redis.from_url(redis_url) as queue:
        for key in queue.scan_iter("*"):
            captured.add("jobs", f"{key!r} {dump(queue, key)}")
    google.expire_access_tokens()
    google.fault("error", status=500)
    fetch(app, captured)
    google.clear_faults()
    google.revoke(GMAIL, google.client_id)
    fetch(app, captured)
    see(jan.get(f"{PREFIX}/"))
    connect()
    see(jan.get(f"{PREFIX}/disconnect"))
    see(jan.post(f"{PREFIX}/disconnect"))
    see(Person(app, OPERATOR).get(f"{PREFIX}/operator/"))
    for path, bearer in (("pull/main/x/200", "wrong"), ("metrics", "wrong")):
        headers = {"Authorization": f"Bearer {bearer}"}
        see(app.test_client().get(f"{PREFIX}/{path}", headers=headers))


def token(person: Person) -> str:
    return person.page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]


def dump(queue: Any, key: bytes) -> object:
    kind = queue.type(key)
    if kind == b"hash":
        return queue.hgetall(key)
    if kind == b"list":
        return queue.lrange(key, 0, -1)
    return queue.dump(key)


def fetch(app: Flask, captured: Captured) -> None:
    with app.app_context():
        rt = app.extensions["gcal"]
        report = resyncing.fetch(rt, resyncing.not_fetched_since(rt, 0))
        captured.add("reports", repr(report))
        db.session.remove()
    opened(app, captured)


def ask_around(app: Flask, captured: Captured) -> None:
    """What is printed, repeated and raised elsewhere."""
    runner = app.test_cli_runner()
    for command in (
        ["gcal", "settings"], ["gcal", "settings", "--json"], ["gcal", "keys", "status"],
        ["gcal", "privacy", "export", "--tenant", "belwinkel", "--account", "1"],
        ["gcal", "audit", "export"], ["gcal", "doctor"],
    ):  # fmt: skip
        answer = runner.invoke(args=command)
        captured.add("commands", f"{answer.output} {answer.exception!r}")
    rt = app.extensions["gcal"]
    access = AccessToken(captured.secrets["client secret"], datetime.now(UTC))
    tokens = GrantedTokens(access, captured.secrets["client secret"], frozenset())
    captured.add(
        "reprs",
        [rt, rt.settings, rt.store.keyring, rt.default_client, rt.telephony, access, tokens],
    )
    captured.add("reprs", str(rt.settings) + repr(rt.telephony["main"]) + repr(rt.oauth))
    with app.app_context():
        captured.add("reports", export_account(rt, "belwinkel", "1"))
    for fail in (refused_refresh, refused_opening):
        try:
            fail(app, captured)
        except (CalendarError, CannotOpen):
            captured.add("errors", traceback.format_exc())


def refused_refresh(app: Flask, captured: Captured) -> None:
    refresh = next(v for k, v in captured.secrets.items() if k.startswith("refresh"))
    rt = app.extensions["gcal"]
    rt.oauth.refresh(rt.default_client, refresh)


def refused_opening(app: Flask, captured: Captured) -> None:
    rt = app.extensions["gcal"]
    sealed = rt.store.keyring.seal(next(iter(captured.secrets.values())), "here")
    Keyring([new_key()]).open(sealed, "here")


def test_the_way_to_google_carries_no_secret_but_what_it_must(
    databases: Databases, google: LocalGoogle
) -> None:
    """State and challenge are in the address; the verifier and the client's secret never are."""
    with portal(
        databases,
        GCAL_GOOGLE_CLIENT_ID=google.client_id,
        GCAL_GOOGLE_CLIENT_SECRET=google.client_secret,
        GCAL_GOOGLE_METADATA_URL=google.metadata_url,
    ) as app:
        jan = Person(app, JAN)
        jan.get(f"{PREFIX}/")
        answer = jan.client.post(f"{PREFIX}/connect", data={"csrf_token": token(jan)})
        captured = Captured()
        opened(app, captured)
        asked = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        assert google.client_secret not in answer.headers["Location"]
        assert set(asked) >= {"state", "nonce", "code_challenge", "redirect_uri"}
        with app.app_context(), app.extensions["gcal"].store.begin() as session:
            stored = session.scalars(sa.select(Attempt)).one()
            assert asked["state"] not in str(vars(stored))
