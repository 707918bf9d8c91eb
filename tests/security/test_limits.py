"""How much, how often and under which name: body limits, rate limits, hostile host names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from gcal_plugin.web import limits
from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.support.portal_app import ELS, JAN, PREFIX, SUPPORT, Person, portal

HOST = "portal.example"
HOSTILE = [
    "evil.example", "portal.example.evil.example", "evil-portal.example", "xportal.example",
    "portal.example@evil.example", "portal.example:80@evil.example", "evil.example#portal.example",
    "evil.example?portal.example", "evil.example/portal.example", "evil.example\\portal.example",
    "portal.example\\.evil.example", "portal.example,evil.example", "portal.example evil.example",
    "portal.example%00.evil.example", "portal.example%2eevil.example", "portal.example..",
    ".portal.example", "portal..example", "portal.example:evil", "portal.example:80:80",
    "portal.example:-1", "portal.example:", "portal.example:99999x", "[portal.example]", "[::1]",
    "[::ffff:127.0.0.1]", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
    "localhost", "localhost.localdomain", "metadata.google.internal", "169.254.169.254",
    "pörtal.example", "portal\u2024example", "portal。example", "ⓟortal.example", "portal.exаmple",
    "xn--prtal-jua.example", "PORTAL.EXAMPLE.EVIL.EXAMPLE", "*", "*.example", "<script>", "'--",
    "{{7*7}}", "$(id)", "a" * 300 + ".example", "portal.example;evil.example", "", " ",
    "null", "undefined", "portal.example\t.evil.example",
]  # fmt: skip


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases, GCAL_TRUSTED_HOSTS=[HOST, "belwinkel.example"]) as made:
        yield made


def test_there_are_fifty_hostile_hosts() -> None:
    assert len(set(HOSTILE)) >= 50


@pytest.mark.parametrize("path", ["/", "/request", "/hooks/google", "/callback?code=x&state=y"])
def test_a_hostile_host_gets_nowhere(app: Flask, path: str) -> None:
    client = app.test_client()
    for host in HOSTILE:
        call = client.post if "hooks" in path else client.get
        answer = call(f"{PREFIX}{path}", headers={"Host": host})
        assert answer.status_code == 400, host
        location = answer.headers.get("Location", "")
        assert "evil" not in location
        assert "evil" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("host", [HOST, f"{HOST}:443", "PORTAL.example", "belwinkel.example"])
def test_known_hosts_are_served(app: Flask, host: str) -> None:
    answer = app.test_client().get(f"{PREFIX}/", headers={"Host": host})
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


def test_probes_may_ask_by_address(app: Flask) -> None:
    answer = app.test_client().get(f"{PREFIX}/healthz", headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code == 200


def test_a_forwarded_host_of_a_stranger_counts_for_nothing(app: Flask) -> None:
    """Without the host's own proxy setting these headers are only text."""
    headers = {"Host": HOST, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = app.test_client().get(f"{PREFIX}/", headers=headers)
    assert "evil" not in answer.headers["Location"]


def test_large_bodies_are_refused_before_they_are_read(app: Flask) -> None:
    client = app.test_client()
    headers = {"Host": HOST}
    too_large = b"x" * (limits.LARGEST_HOOK + 1)
    for hook in ("google", "google-security"):
        answer = client.post(f"{PREFIX}/hooks/{hook}", data=too_large, headers=headers)
        assert answer.status_code == 413
    # Only the head arrives: whoever announces too much is refused without sending it.
    announced = {"CONTENT_LENGTH": str(10**12), "HTTP_HOST": HOST}
    answer = client.post(f"{PREFIX}/hooks/google", environ_overrides=announced)
    assert answer.status_code == 413


def test_large_forms_are_refused(databases: Databases) -> None:
    with portal(databases) as app:
        jan = Person(app, JAN)
        jan.get(f"{PREFIX}/request?new=1")
        jan.post(f"{PREFIX}/request", extensions="201", remarks="x" * (limits.LARGEST_FORM + 1))
        assert jan.answer.status_code == 413


# -- rate limits ------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in {"change": 3, "page": 20, "guess": 5}.items():
        monkeypatch.setitem(limits.PER_MINUTE, name, count)


def clicks(person: Person, count: int) -> list[int]:
    person.get(f"{PREFIX}/request?new=1")
    return [person.post(f"{PREFIX}/request", extensions="999").status_code for _ in range(count)]


@pytest.mark.usefixtures("few")
def test_changes_are_counted_for_each_account_over_all_processes(
    databases: Databases, redis_url: str
) -> None:
    with portal(databases, GCAL_REDIS_URL=redis_url) as one:
        with one.app_context():
            url = str(one.config["SQLALCHEMY_DATABASE_URI"])
        with portal(databases, GCAL_REDIS_URL=redis_url, SQLALCHEMY_DATABASE_URI=url) as two:
            assert clicks(Person(one, JAN), 3) == [422, 422, 422]
            # Another process, the same Redis: Jan has had his share, Els has hers.
            other = Person(two, JAN)
            assert clicks(other, 1) == [429]
            assert other.answer.headers["Retry-After"] == "60"
            assert clicks(Person(two, ELS), 1) == [422]


@pytest.mark.usefixtures("few")
def test_without_redis_each_process_counts_for_itself(databases: Databases) -> None:
    with portal(databases, GCAL_REDIS_URL="redis://127.0.0.1:9/0") as app:
        assert clicks(Person(app, JAN), 4) == [422, 422, 422, 429]


@pytest.mark.usefixtures("few")
def test_a_redis_that_hangs_or_dies_takes_no_page_along(
    databases: Databases, make_redis: Callable[..., RedisServer]
) -> None:
    server = make_redis()
    with portal(databases, GCAL_REDIS_URL=server.url()) as app:
        jan = Person(app, JAN)
        assert clicks(jan, 1) == [422]
        server.kill()
        assert clicks(jan, 4) == [422, 422, 422, 429]


@pytest.mark.usefixtures("few")
def test_guessing_links_is_slow_work(databases: Databases) -> None:
    with portal(databases) as app:
        jan = Person(app, JAN)
        seen = [jan.get(f"{PREFIX}/request/quote/guess-{n}").status_code for n in range(7)]
        assert seen == [404] * 5 + [429] * 2


def test_a_notification_too_many_is_one_that_google_sends_again(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "hook", 3)
    with portal(databases) as app:
        client = app.test_client()
        seen = [client.post(f"{PREFIX}/hooks/google").status_code for _ in range(5)]
    # Of all refusals only 500, 502, 503 and 504 are tried again; anything else loses the change.
    assert seen == [404] * 3 + [503] * 2


def test_guessing_the_token_of_an_exchange_is_slow_work(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = {"main": "right-token"}
    with portal(databases, GCAL_PULL_TOKENS=tokens) as app:
        client = app.test_client()
        path = f"{PREFIX}/pull/main/bakkerij-jansen.example/200"

        def pull(token: str, address: str) -> int:
            environ = {"REMOTE_ADDR": address}
            headers = {"Authorization": f"Bearer {token}"}
            return client.get(path, headers=headers, environ_base=environ).status_code

        assert {pull("right-token", "10.0.0.1") for _ in range(100)} == {200}
        wrong = [pull(f"wrong-{n}", "10.0.0.2") for n in range(limits.REFUSED_PULLS + 5)]
        assert wrong == [404] * limits.REFUSED_PULLS + [429] * 5
        # Whoever guessed no longer learns whether a guess is right; others go on.
        assert pull("right-token", "10.0.0.2") == 429
        assert pull("right-token", "10.0.0.1") == 200


def test_two_at_once_do_not_share_a_budget(databases: Databases) -> None:
    with portal(databases) as app:
        seen: dict[str, list[int]] = {}

        def run(email: str) -> None:
            seen[email] = clicks(Person(app, email), 5)

        people: list[Any] = [JAN, ELS, SUPPORT]
        threads = [threading.Thread(target=run, args=(one,)) for one in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert all(429 not in codes for codes in seen.values())
