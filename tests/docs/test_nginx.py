"""docs/operate/nginx.conf carries traffic: what it says, and what an operator takes from it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.services.channel_tokens import digest
from gcal_plugin.store.tables import Calendar, Channel
from tests.servers.databases import Databases
from tests.support.behind_nginx import (
    ASKED,
    HTTPS,
    METRICS,
    NAME,
    PULL,
    QUERY,
    STRANGER,
    TOLD,
    Site,
    keeps_quiet,
    site,
)
from tests.support.portal_app import JAN, PREFIX, config, prepare
from tests.support.visitor import Visitor

HOME = f"{HTTPS}{PREFIX}/"


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh("sqlite", key="portal", prepare=prepare) as made:
        yield made


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle(seed="demo") as running:
        running.add_client("c2", "s", redirect_uris=[f"{HTTPS}{PREFIX}/callback"])
        yield running


@pytest.fixture(scope="module")
def served(
    url: str, google: LocalGoogle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    values = config(
        url,
        TESTING=False,
        SQLALCHEMY_ENGINE_OPTIONS={"connect_args": {"timeout": 15}},
        GCAL_GOOGLE_CLIENT_ID="c2",
        GCAL_GOOGLE_CLIENT_SECRET="s",
        GCAL_GOOGLE_METADATA_URL=google.metadata_url,
        GCAL_GOOGLE_API_ROOT=google.url,
        GCAL_GOOGLE_RISC_METADATA_URL=google.risc_metadata_url,
        GCAL_PUBLIC_URL=HTTPS,
        GCAL_TRUSTED_HOSTS=[NAME],
        GCAL_PULL_TOKENS={"main": PULL},
        GCAL_METRICS_TOKEN=METRICS,
    )
    with site(tmp_path_factory.mktemp("nginx"), values) as running:
        yield running


@pytest.fixture
def web(served: Site) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture(scope="module")
def calendar(served: Site, google: LocalGoogle, url: str) -> uuid.UUID:
    """Jan has connected and chosen, through nginx, as a customer does."""
    with Visitor(HTTPS, served.client()) as jan:
        jan.get(f"{HTTPS}/login")
        jan.submit("/login", email=JAN, password="demo")
        jan.get(HOME)
        jan.submit("/connect")
        asked = httpx.URL(jan.url).params["redirect_uri"]
        assert asked == f"{HTTPS}{PREFIX}/callback"
        jan.consent(JAN)
        assert jan.url == f"{HOME}calendars", jan.text
        jan.submit("/calendars", calendar=JAN)
        assert jan.url == HOME, jan.text
    engine = sa.create_engine(url)
    with Session(engine) as session:
        found = session.scalars(sa.select(Calendar.id)).one()
    engine.dispose()
    return found


def test_a_customer_connects_through_it(calendar: uuid.UUID, google: LocalGoogle) -> None:
    assert calendar.version is not None
    assert [one["status"] for one in google.requests("oauth.token")] == [200]


def test_the_portal_knows_what_the_visitor_asked_for_and_who_that_is(served: Site) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http", "Forwarded": "for=203.0.113.9;host=evil.example",
    }  # fmt: skip
    for address in ("127.0.0.1", STRANGER):
        with served.client(address) as web:
            seen = web.get(f"{HTTPS}/_seen", headers=forged).json()
        assert (seen["address"], seen["scheme"], seen["host"]) == (address, "https", NAME)
        # The visitor's own words do not even come along.
        assert (seen["forwarded_for"], seen["asked_for"]) == ([address], NAME)


def test_another_name_is_refused(web: httpx.Client) -> None:
    assert web.get(HOME, headers={"Host": "evil.example"}).status_code == 400


def test_the_session_stays_on_https(web: httpx.Client) -> None:
    page = web.get(f"{HTTPS}/login")
    (cookie,) = page.headers.get_list("set-cookie")
    assert {"secure", "httponly", "samesite=lax"} <= {
        part.strip().lower() for part in cookie.split(";")
    }
    assert web.get(HOME).headers["location"].startswith("/login")


def test_plain_http_only_leads_to_https(web: httpx.Client) -> None:
    for path in (f"{PREFIX}/?a=1&b=%2F", "/login", f"{PREFIX}/metrics"):
        answer = web.get(f"http://{NAME}{path}")
        assert (answer.status_code, answer.headers["location"]) == (301, f"{HTTPS}{path}")


def test_no_header_is_there_twice(web: httpx.Client) -> None:
    page = web.get(f"{HTTPS}/login")
    style = web.get(asset_of(page.text))
    for answer in (page, style, web.get(HOME), web.get(f"{HTTPS}/nowhere")):
        names = [name.lower() for name, _ in answer.headers.multi_items()]
        names = [name for name in names if name != "vary"]  # a list, to which each adds its own
        assert sorted(names) == sorted(set(names))
        assert "content-security-policy" in names
        assert answer.headers["x-content-type-options"] == "nosniff"


def asset_of(page: str) -> str:
    """A stylesheet of the plugin's theme."""
    found = re.search(rf'href="({PREFIX}/static/[^"]+\.css)"', page)
    assert found is not None, page
    return f"{HTTPS}{found[1]}"


def test_stylesheets_are_packed_and_kept_and_pages_are_not(web: httpx.Client) -> None:
    page = web.get(f"{HTTPS}/login")
    for answer in (page, web.get(f"{HTTPS}/login", headers={"Via": "1.1 other"})):
        assert "content-encoding" not in answer.headers
        assert len(answer.content) > 1000
    address = asset_of(page.text)

    # Another cache in front of nginx says so by `Via`.
    packed = web.get(address, headers={"Accept-Encoding": "gzip", "Via": "1.1 other"})
    plain = web.get(address, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert packed.num_bytes_downloaded < 0.5 * len(plain.content)
    for answer in (packed, plain):
        # Whoever keeps it for a year has to know that there are two of it.
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert "max-age=31536000" in answer.headers["cache-control"]
        again = web.get(
            address,
            headers={
                "If-None-Match": answer.headers["etag"],
                "Accept-Encoding": answer.request.headers["Accept-Encoding"],
            },
        )
        assert (again.status_code, again.content) == (304, b"")


def test_scripts_and_drawings_are_packed_too(served: Site, web: httpx.Client) -> None:
    with Visitor(HTTPS, served.client()) as jan:
        jan.get(f"{HTTPS}/login")
        jan.submit("/login", email=JAN, password="demo")
        jan.get(HOME)
        page = jan.page
    found = set(re.findall(rf'(?:src|href)="({PREFIX}/static/[^"]+\.(?:js|svg))"', page))
    kinds = {path.rpartition(".")[2] for path in found}
    assert kinds == {"js", "svg"}, found
    for path in found:
        answer = web.get(f"{HTTPS}{path}", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip", path


def test_figures_and_readiness_are_for_the_monitoring_alone(
    served: Site, web: httpx.Client
) -> None:
    bearer = {"Authorization": f"Bearer {METRICS}"}
    told = web.get(f"{HTTPS}{PREFIX}/metrics", headers=bearer)
    assert (told.status_code, "gcal_database_up 1.0" in told.text) == (200, True)
    assert web.get(f"{HTTPS}{PREFIX}/metrics").status_code == 404
    assert web.get(f"{HTTPS}{PREFIX}/readyz").json()["database"] is True
    with served.client(STRANGER) as stranger:
        for path in ("/metrics", "/readyz", "//metrics", "/%6detrics", "/x/../readyz"):
            answer = stranger.get(f"{HTTPS}{PREFIX}{path}", headers=bearer)
            assert answer.status_code == 403, path
            assert "gcal_" not in answer.text
        for path in ("/metrics/", "/metrics%2F", "/METRICS"):
            assert stranger.get(f"{HTTPS}{PREFIX}{path}", headers=bearer).status_code == 404, path
        # The load balancer's question, and what everybody may ask.
        assert stranger.get(f"{HTTPS}{PREFIX}/healthz").json() == {"status": "ok"}


def test_notifications_of_google_arrive(served: Site, calendar: uuid.UUID, url: str) -> None:
    token, channel, engine = "token-of-a-channel", uuid.uuid4().hex, sa.create_engine(url)
    now = datetime.now(UTC)
    row = Channel(
        id=channel, calendar_id=calendar, token_digest=digest(token), state="open", created_at=now
    )
    with Session(engine) as session, session.begin():
        session.add(row)
        session.execute(sa.update(Calendar).values(dirty=False))
    headers = {
        "X-Goog-Channel-ID": channel, "X-Goog-Channel-Token": token,
        "X-Goog-Resource-ID": "resource", "X-Goog-Resource-State": "exists",
        "X-Goog-Message-Number": "10",
    }  # fmt: skip
    with served.client(STRANGER) as from_google:
        hook = f"{HTTPS}{PREFIX}/hooks/google"
        forged = from_google.post(hook, headers=headers | {"X-Goog-Channel-Token": "another"})
        assert (forged.status_code, forged.content) == (404, b"")
        assert from_google.post(hook, headers=headers).status_code == 204
        event = f"{HTTPS}{PREFIX}/hooks/google-security"
        assert from_google.post(event, content=b"no.token.at-all").status_code == 400
    with Session(engine) as session:
        assert session.scalars(sa.select(Calendar.dirty)).all() == [True]
    engine.dispose()


def test_an_exchange_that_asks_is_answered(web: httpx.Client) -> None:
    line = f"{HTTPS}{PREFIX}/pull/main/bakkerij-jansen.example/200"
    answer = web.get(line, headers={"Authorization": f"Bearer {PULL}"})
    assert answer.status_code == 200
    assert web.get(line).status_code == 404


def test_bodies_that_nobody_sends_end_here_and_the_portals_own_limits_hold(
    served: Site, web: httpx.Client
) -> None:
    hook = f"{PREFIX}/hooks/google"
    assert web.post(f"{HTTPS}{hook}", content=b"x" * 1_100_000).status_code == 413
    assert web.post(f"{HTTPS}{hook}", content=b"x" * 200_000).status_code == 413
    first, second = served.asked(hook)[-2:]
    assert first.endswith(" -"), "nginx answered itself"
    assert second.endswith(" 413"), "the portal answered"


def test_connections_to_the_portal_are_kept(served: Site, web: httpx.Client) -> None:
    seen = [web.get(f"{HTTPS}/_seen").json()["connections"] for _ in range(40)]
    most = {}
    for one in seen:
        process, count = one.split()
        most[process] = int(count)
    assert sum(most.values()) < 30


def test_no_log_holds_what_an_address_holds_besides_its_path(
    served: Site, web: httpx.Client, calendar: uuid.UUID
) -> None:
    """The code of the customer's way, and those of ways that are refused at each place."""
    assert served.asked(f"{PREFIX}/callback"), f"nobody came back to choose {calendar}"
    web.get(f"http://{NAME}{PREFIX}/callback{QUERY}")
    assert "login" in str(
        web.get(f"{HTTPS}{PREFIX}/callback{QUERY}", follow_redirects=True).url.path
    )
    web.get(HOME, headers={"Referer": f"{HTTPS}{PREFIX}/callback{QUERY}"})
    web.post(f"{HTTPS}{PREFIX}/connect{QUERY}", content=b"x" * 1_100_000)
    for path in (ASKED, TOLD):
        web.get(f"{HTTPS}{PREFIX}{path}{QUERY}")
    with served.client(STRANGER) as stranger:
        assert stranger.get(f"{HTTPS}{PREFIX}/metrics{QUERY}").status_code == 403
    keeps_quiet(served)
    assert f'"GET {PREFIX}/pull/main/..." 404 ' in served.logs()
    assert f'"GET {PREFIX}/request/quote/..." 302 ' in served.logs()
