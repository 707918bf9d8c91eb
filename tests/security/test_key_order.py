"""A new key over several machines: in the documented order each opens what the others seal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.ports import CalendarError
from gcal_plugin.services import addresses, channel_tokens, grant_tokens, grants
from gcal_plugin.store.crypto import CannotOpen, Keyring, new_key
from gcal_plugin.store.tables import Grant
from tests.servers.databases import Databases
from tests.support.consent import consent
from tests.support.portal_app import (
    FEMKE,
    JAN,
    PREFIX,
    Person,
    config,
    prepare,
    running,
    runtime,
)

OLD, NEW = new_key(), new_key()
PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()

Keys = tuple[str, ...]


def documented() -> list[tuple[Keys, bool]]:
    """The steps of the page, in its order: the setting, and whether everything is sealed again."""
    steps = re.findall(r"^\| \d \| `(\[.*?\])` \| (.*) \|$", PAGE, re.MULTILINE)
    keys = {"old": OLD, "new": NEW}
    return [
        (tuple(keys[name] for name in json.loads(setting)), "keys rotate" in what)
        for setting, what in steps
    ]


class Machines:
    """Machines of one portal, each with a setting of its own, on one database and one Google."""

    def __init__(self, url: str, google: LocalGoogle, stack: ExitStack) -> None:
        self.google = google
        self._url = url
        self._stack = stack
        self._apps: dict[Keys, Flask] = {}

    def having(self, keys: Keys) -> Flask:
        """The web process of a machine with these keys."""
        if keys not in self._apps:
            values = config(
                self._url,
                GCAL_ENCRYPTION_KEYS=list(keys),
                GCAL_GOOGLE_CLIENT_ID=self.google.client_id,
                GCAL_GOOGLE_CLIENT_SECRET=self.google.client_secret,
                GCAL_GOOGLE_METADATA_URL=self.google.metadata_url,
                GCAL_GOOGLE_API_ROOT=self.google.url,
                GCAL_PUBLIC_URL="http://localhost",
            )
            self._apps[keys] = self._stack.enter_context(running(values))
        return self._apps[keys]


@pytest.fixture
def machines(databases: Databases) -> Iterator[Machines]:
    with (
        LocalGoogle(seed="demo") as google,
        databases.fresh("sqlite", key="portal", prepare=prepare) as url,
        ExitStack() as stack,
    ):
        yield Machines(url, google, stack)


class Browser(Person):
    """Somebody whose every request may come to another machine: the session goes along."""

    def at(self, app: Flask) -> Browser:
        self.client.application = app
        return self

    def leave_for_google(self) -> str:
        """Press the button; answers the address at Google."""
        self.get(f"{PREFIX}/")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.page)
        assert token is not None, self.text
        sent = self.client.post(f"{PREFIX}/connect", data={"csrf_token": token[1]})
        assert sent.status_code == 303
        return sent.headers["Location"]


def connect(jan: Browser, here: Flask, there: Flask) -> None:
    """From the button to the chosen calendar, each step on the other machine."""
    at_google = jan.at(here).leave_for_google()
    jan.at(there).get(f"{PREFIX}/callback?{urlencode(consent(at_google, JAN))}")
    assert jan.answer.request.path == f"{PREFIX}/calendars", jan.text
    jan.at(here).get(f"{PREFIX}/calendars")
    assert JAN in jan.text
    jan.at(there).submit("/calendars", calendar=JAN)
    assert jan.answer.request.path == f"{PREFIX}/", jan.text


def grant_of_jan(app: Flask) -> UUID:
    with app.app_context(), runtime(app).store.begin() as session:
        return session.scalars(sa.select(Grant.id).where(Grant.email == JAN)).one()


def refreshed(app: Flask) -> str:
    """A worker of this machine gets itself a fresh access token; answers that."""
    rt, grant = runtime(app), grant_of_jan(app)
    with app.app_context():
        held = grants.access_token(rt, grant)
        fresh = grants.access_token(rt, grant, refused=held)
    assert fresh.value != held.value
    return fresh.value


def used(app: Flask) -> str:
    """The access token that a worker of this machine asks Google with."""
    rt, grant = runtime(app), grant_of_jan(app)
    with app.app_context():
        return grants.access_token(rt, grant).value


def seal_one(app: Flask, subject: str) -> None:
    """A grant that nobody touches until the end."""
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        now = rt.store.now(session)
        grant = Grant(client_id="c", subject=subject, email="", created_at=now, scopes=[])
        session.add(grant)
        session.flush()
        grant_tokens.put_refresh_token(rt.store.keyring, grant, f"refresh-{subject}")


def open_one(app: Flask, subject: str) -> str | None:
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        grant = session.scalars(sa.select(Grant).where(Grant.subject == subject)).one()
        return grant_tokens.refresh_token_of(rt.store.keyring, grant)


def flask_gcal(app: Flask, *words: str) -> tuple[int, Any]:
    """A command on this machine: its exit status and what it tells."""
    done = app.test_cli_runner().invoke(args=["gcal", *words, "--json"])
    return done.exit_code, json.loads(done.output.splitlines()[-1])


def doctor(app: Flask) -> dict[str, Any]:
    """What `flask gcal doctor` says of the keys on this machine."""
    _, told = flask_gcal(app, "doctor")
    (found,) = [one for one in told["findings"] if one["what"] == "encryption keys"]
    return dict(found)


def work_together(machines: Machines, here: Keys, there: Keys) -> None:
    """A life of a link, its steps in turn on a machine with these keys and on one with those."""
    one, other = machines.having(here), machines.having(there)
    jan = Browser(one, JAN)
    connect(jan, one, other)
    for seals, opens in ((one, other), (other, one)):
        assert refreshed(seals) == used(opens)
        request, channel, calendar = uuid4(), uuid4().hex, uuid4()
        with seals.app_context():
            link = addresses.sign_quote(runtime(seals), request)
            token = channel_tokens.new_token(runtime(seals).store.keyring, channel, calendar)
        assert addresses.read_quote(runtime(opens), link) == request
        assert channel_tokens.calendar_of(runtime(opens).store.keyring, channel, token) == calendar
    jan.at(other).get(f"{PREFIX}/disconnect")
    jan.post(f"{PREFIX}/disconnect")
    assert "Ontkoppeld" in jan.text
    revoked = machines.google.requests("oauth.revoke")
    assert revoked
    assert revoked[-1]["status"] == 200
    machines.google.clear_log()


def test_in_the_documented_order_every_machine_opens_what_any_other_seals(
    machines: Machines,
) -> None:
    steps = documented()
    assert [keys for keys, _ in steps] == [(OLD, NEW), (NEW, OLD), (NEW, OLD), (NEW,)]
    assert [seals_again for _, seals_again in steps] == [False, False, True, False]
    now: Keys = (OLD,)
    seal_one(machines.having(now), "from the start")
    for keys, seals_again in steps:
        # A rolling restart: some machines have the last step's setting still, some this one's.
        for here, there in {(now, keys), (keys, now)}:
            work_together(machines, here, there)
        for one in (now, keys):
            assert open_one(machines.having(one), "from the start") == "refresh-from the start"
            assert doctor(machines.having(one))["ok"]
        now = keys
        if seals_again:
            status, done = flask_gcal(machines.having(now), "keys", "rotate")
            assert status == 0
            assert done["sealed_again"] >= 1
            _, left = flask_gcal(machines.having(now), "keys", "status")
            assert set(left) == {Keyring([NEW]).current_id}
    assert now == (NEW,)


def test_a_new_key_that_goes_first_straight_away_is_what_others_cannot_open(
    machines: Machines,
) -> None:
    """What the order is for: without it machines that were not restarted yet stand still."""
    restarted, waiting = machines.having((NEW, OLD)), machines.having((OLD,))
    jan = Browser(restarted, JAN)
    connect(jan, restarted, restarted)
    refreshed(restarted)
    with pytest.raises(CalendarError) as away:
        used(waiting)
    assert away.value.reason == "cannot_open"
    told = doctor(waiting)
    assert not told["ok"]
    assert Keyring([NEW]).current_id in told["detail"]
    assert "GCAL_ENCRYPTION_KEYS" in told["mend"]
    assert doctor(restarted)["ok"]

    # And whoever was on the way to Google is told to begin again; nothing of theirs changed.
    femke = Browser(restarted, FEMKE)
    at_google = femke.leave_for_google()
    femke.at(waiting).get(f"{PREFIX}/callback?{urlencode(consent(at_google, FEMKE))}")
    assert femke.answer.status_code == 200
    assert "Koppel opnieuw" in femke.text


def test_an_old_key_that_goes_before_all_is_sealed_again_is_missed(machines: Machines) -> None:
    seal_one(machines.having((OLD, NEW)), "left behind")
    both, early = machines.having((NEW, OLD)), machines.having((NEW,))
    told = doctor(both)
    assert told["ok"]
    assert "1 values wait" in told["detail"]
    assert "keys rotate" in told["mend"]
    with pytest.raises(CannotOpen):
        open_one(early, "left behind")
    told = doctor(early)
    assert not told["ok"]
    assert Keyring([OLD]).current_id in told["detail"]
    assert flask_gcal(both, "keys", "rotate")[0] == 0
    assert open_one(early, "left behind") == "refresh-left behind"
    assert doctor(early) == {
        "what": "encryption keys", "ok": True, "detail": f"{Keyring([NEW]).current_id} seals",
        "mend": "",
    }  # fmt: skip
