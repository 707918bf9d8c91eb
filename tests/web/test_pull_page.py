"""The page that an exchange asks at each call: its forms, and a process that is warm for it."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from gcal_plugin.services import pulling
from tests.servers.databases import Databases
from tests.support.portal_app import PREFIX, portal

TOKEN = "right-token"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PULL = f"{PREFIX}/pull/main/bakkerij-jansen.example/200"


@pytest.fixture
def client(databases: Databases) -> Iterator[FlaskClient]:
    with portal(databases, GCAL_PULL_TOKENS={"main": TOKEN}) as app:
        yield app.test_client()


@pytest.mark.parametrize(
    ("form", "body", "kind"),
    [
        ("", "", "text/plain"),
        ("?format=plain", "", "text/plain"),
        ("?format=json", '{"destinations": []}\n', "application/json"),
        ("?format=voipgrid", "status=NAK\n", "text/plain"),
    ],
)
def test_without_a_forward_every_form_says_the_own_route(
    client: FlaskClient, form: str, body: str, kind: str
) -> None:
    answer = client.get(PULL + form, headers=HEADERS)
    assert (answer.status_code, answer.text, answer.mimetype) == (200, body, kind)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_an_unknown_form_is_told_to_whoever_may_ask(client: FlaskClient) -> None:
    answer = client.get(PULL + "?format=xml", headers=HEADERS)
    assert (answer.status_code, "plain, json, twiml, voipgrid" in answer.text) == (400, True)
    assert client.get(PULL + "?format=xml").status_code == 404


def test_the_first_call_finds_the_tables_of_numbers_loaded() -> None:
    """In a process of its own, since others here have loaded them already."""
    code = (
        "import sys\n"
        "from gcal_plugin.services import pulling\n"
        "assert 'phonenumbers' not in sys.modules\n"
        "pulling.prepare()\n"
        "assert 'phonenumbers.data.region_NL' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_after_the_first_answer_the_collector_lets_the_application_be(client: FlaskClient) -> None:
    gc.unfreeze()
    pulling.settle.cache_clear()
    try:
        assert client.get(PULL).status_code == 404
        assert gc.get_freeze_count() == 0
        assert client.get(PULL, headers=HEADERS).status_code == 200
        kept = gc.get_freeze_count()
        assert kept > 10_000
        assert client.get(PULL, headers=HEADERS).status_code == 200
        assert gc.get_freeze_count() == kept  # once
    finally:
        gc.unfreeze()
