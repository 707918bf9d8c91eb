"""The operator's files are ones that their programs accept, and the runbook knows every alarm."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from flask import Flask
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from prometheus_client.parser import text_string_to_metric_families

from gcal_plugin import GCalPlugin
from gcal_plugin.store.crypto import new_key
from gcal_plugin.web.gallery.board import board_view
from gcal_plugin.web.metrics import exposition
from tests.servers import PostgresServer
from tests.servers.databases import Databases
from tests.servers.process import find_program
from tests.support.portal import SmallPortal
from tests.support.runtime import make_schema

DOCS = Path(__file__).parents[2] / "docs"
OPERATE = DOCS / "operate"
RUNBOOK = (DOCS / "operate.md").read_text()


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(one) for one in command],
        capture_output=True, text=True, check=False, timeout=60, cwd=OPERATE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((OPERATE / "alerts.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def exposed() -> set[str]:
    """Every name that `/metrics` can have."""
    from dataclasses import replace

    from gcal_plugin.domain import buckets
    from gcal_plugin.services.tallying import Histogram

    histogram = Histogram("belwinkel", "main", [1] * buckets.SIZE, 1.0)
    signals = replace(board_view().signals, late_ever=[histogram], push_ever=[histogram])
    text = exposition(signals, ["belwinkel"]).decode()
    return {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }


def named(expression: str) -> set[str]:
    return set(re.findall(r"\bgcal_\w+", expression))


def test_prometheus_accepts_the_rules_and_they_fire_when_they_should() -> None:
    assert "SUCCESS" in run(find_program("promtool"), "check", "rules", "alerts.yml")
    assert "SUCCESS" in run(find_program("promtool"), "test", "rules", "alerts_test.yml")


def test_every_alarm_is_shown_to_fire_and_not_to_fire() -> None:
    """promtool is content with a case of an alarm that there is not."""
    cases = yaml.safe_load((OPERATE / "alerts_test.yml").read_text())["tests"]
    shown = [case for one in cases for case in one["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert {case["alertname"] for case in shown if case["exp_alerts"]} == names
    assert {case["alertname"] for case in shown if not case["exp_alerts"]} == names


def test_every_alarm_has_its_paragraph_and_every_paragraph_its_alarm() -> None:
    names = [rule["alert"] for rule in rules()]
    told = re.findall(r"^### (Gcal\w+)$", (DOCS / "operate.md").read_text(), re.MULTILINE)
    assert sorted(names) == sorted(told)
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"operate.html#{rule['alert'].lower()}"


def test_alarms_ask_for_figures_that_there_are() -> None:
    asked = {name for rule in rules() for name in named(rule["expr"])}
    assert asked - exposed() == set()


def test_the_dashboard_asks_for_figures_that_there_are() -> None:
    dashboard = json.loads((OPERATE / "grafana.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 12
    for panel in panels:
        assert panel["title"]
        assert set(panel["gridPos"]) == {"x", "y", "w", "h"}
        for target in panel["targets"]:
            assert named(target["expr"])
            assert named(target["expr"]) - exposed() == set()
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)


def test_prometheus_reads_what_we_tell(tmp_path: Path) -> None:
    text = exposition(board_view().signals, ["belwinkel"])
    done = subprocess.run(
        [find_program("promtool"), "check", "metrics"],
        input=text, capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode in {0, 3}, done.stderr.decode()  # 3: advice about names
    assert b"error" not in done.stderr.lower()


@pytest.mark.parametrize(
    "unit", sorted((OPERATE / "systemd").glob("*.service")), ids=lambda p: p.name
)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text()
    for program in re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE):
        assert program.startswith("/srv/portal/venv/bin/")
        text = text.replace(program, "/bin/true")
    # `verify` wants an instance of a template.
    copy = tmp_path / unit.name.replace("@.", "@switch.")
    copy.write_text(text)
    said = run(find_program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", copy)
    assert copy.name not in said, said


def test_units_and_image_start_what_the_command_line_has() -> None:
    texts = [one.read_text() for one in (OPERATE / "systemd").glob("*.service")]
    texts.append((OPERATE / "Containerfile").read_text())
    started = set(re.findall(r"gcal (worker|clock)\b", "\n".join(texts)))
    assert started == {"worker", "clock"}
    text = "\n".join(texts)
    queues = set(re.findall(r"--queue (gcal-\w+)", text))
    queues |= {f"gcal-{name}" for name in re.findall(r"gcal-worker@(\w+?)\d?\b", text)}
    from gcal_plugin.cli.jobs import QUEUES

    assert queues == set(QUEUES)


def test_the_image_is_built_from_known_steps() -> None:
    steps = [
        line.split()[0]
        for line in (OPERATE / "Containerfile").read_text().replace("\\\n", " ").splitlines()
        if line and not line.startswith("#")
    ]
    assert steps[0] == "FROM"
    # No HEALTHCHECK: it would hold for workers and clocks too, which serve no page.
    assert set(steps) <= {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "CMD"}
    assert steps.index("USER") < steps.index("CMD")


def test_the_units_that_are_enabled_exist() -> None:
    (line,) = re.findall(r"^systemctl enable --now (.+)$", RUNBOOK, re.MULTILINE)
    units = {path.stem for path in (OPERATE / "systemd").glob("*.service")}
    assert {re.sub("@.*", "@", name) for name in line.split()} == units
    assert {name.partition("@")[2] for name in line.split()} - {""} == {
        "switch", "sync", "care", "mail",
    }  # fmt: skip


def test_the_environment_that_is_shown_is_one_that_starts(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = re.findall(r"^```ini\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    values = dict(line.split("=", 1) for line in shown.splitlines())
    assert set(values) >= {"FLASK_SECRET_KEY", "FLASK_GCAL_REDIS_URL", "FLASK_GCAL_TELEPHONY"}
    with databases.fresh("postgres", key="schema", prepare=make_schema) as url:
        values |= {
            "FLASK_SQLALCHEMY_DATABASE_URI": url,
            "FLASK_GCAL_ENCRYPTION_KEYS": json.dumps([new_key()]),
            "FLASK_GCAL_GOOGLE_CLIENT_ID": "id",
            "FLASK_GCAL_GOOGLE_CLIENT_SECRET": "secret",
        }
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        values["FLASK_GCAL_TELEPHONY"] = values["FLASK_GCAL_TELEPHONY"].replace("whsec_...", secret)
        for key, value in values.items():
            monkeypatch.setenv(key, value)
        app, db = Flask("portal"), SQLAlchemy()
        app.config.from_prefixed_env()
        db.init_app(app)
        LoginManager(app)
        GCalPlugin(portal=SmallPortal()).init_app(app, db=db)
        rt = app.extensions["gcal"]
        assert rt.settings.public_url == "https://portal.example"
        assert list(rt.settings.telephony) == ["main"]
        with app.app_context():
            db.engine.dispose()


def test_a_backup_comes_back_as_the_page_says(tmp_path: Path) -> None:
    dump, restore = re.findall(r"^(?:pg_dump|pg_restore) .+$", RUNBOOK, re.MULTILINE)
    with PostgresServer() as server:
        url = server.url(server.create_database())
        make_schema(url)
        engine = sa.create_engine(url)
        path = f"{server.programs}:{os.environ['PATH']}"
        env = os.environ | {"PG_URL": url.replace("+psycopg", ""), "PATH": path}

        def type_in(line: str) -> None:
            done = subprocess.run(
                ["bash", "-c", line], env=env, cwd=tmp_path, capture_output=True, text=True,
                check=False, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr

        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE portal_customer AS SELECT 7 AS id"))
        type_in(dump)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE portal_customer SET id = 8"))
            connection.execute(sa.text("DROP TABLE gcal_mail_out"))
        type_in(restore)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT id FROM portal_customer")) == 7
            assert sa.inspect(connection).has_table("gcal_mail_out")
        engine.dispose()
