"""The operator's files are ones that their programs accept, and the runbook knows every alarm."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gcal_plugin.web.gallery.board import board_view
from gcal_plugin.web.metrics import exposition
from tests.servers.process import find_program

DOCS = Path(__file__).parents[2] / "docs"
OPERATE = DOCS / "operate"


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


def test_nginx_accepts_the_example(tmp_path: Path) -> None:
    run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "1", "-subj", "/CN=portal.example",
        "-keyout", tmp_path / "key.pem", "-out", tmp_path / "fullchain.pem",
    )  # fmt: skip
    example = (OPERATE / "nginx.conf").read_text()
    example = example.replace("/etc/ssl/portal", str(tmp_path))
    example = example.replace("/var/log/nginx", str(tmp_path))
    (tmp_path / "portal.conf").write_text(example)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ include {tmp_path}/portal.conf; }}\n"
    )
    run(find_program("nginx"), "-t", "-c", tmp_path / "nginx.conf", "-p", tmp_path)


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
