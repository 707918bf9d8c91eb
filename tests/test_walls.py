"""The walls of `.ci/semgrep.yml` stand: each stops the mistake it was built against."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each line is stopped by exactly the rule named behind it; lines without a name pass.
PYTHON = """\
import hmac, httplib2, httpx, requests, rq, urllib.request
import sqlalchemy as sa
from flask import redirect, render_template_string, request, url_for
from markupsafe import Markup

def page(value, token, given):
    requests.get("http://pbx.example")  # request-without-timeout
    requests.get("http://pbx.example", timeout=3)
    urllib.request.urlopen("http://pbx.example")  # request-without-timeout
    httplib2.Http()  # request-without-timeout
    httplib2.Http(timeout=3)
    httpx.Client(timeout=None)  # request-without-timeout
    httpx.Client(timeout=3)
    httpx.get("https://pbx.example", verify=False)  # tls-verification-off
    Markup(f"<b>{value}</b>")  # markup-from-variable
    Markup("<b>" + value)  # markup-from-variable
    Markup("<b>%s</b>") % value
    render_template_string(value)  # markup-from-variable
    redirect(request.args["next"])  # redirect-to-request-input
    redirect(request.args.get("next"))  # redirect-to-request-input
    redirect(url_for("gcal.status"))
    found = given == token  # secret-compared-with-equals
    found = value.token != given  # secret-compared-with-equals
    found = hmac.compare_digest(given, token)
    found = value.sync_token == given
    sa.text(f"SELECT {value}")  # sql-from-text
    sa.text("SELECT " + value)  # sql-from-text
    sa.text("SELECT :value")
    rq.Queue("gcal")  # job-serializer
    rq.Queue("gcal", serializer=value)
"""

TEMPLATE = """\
{{ title | safe }} {# template-safe-filter #}
{{ title|safe|upper }} {# template-safe-filter #}
{{ title }} {{ safe_title }}
{% autoescape false %} {# template-safe-filter #}
<script>go()</script> {# template-inline-script-or-style #}
<script src="/static/page.js" defer></script>
<style>p { margin: 0 }</style> {# template-inline-script-or-style #}
<p style="margin: 0"> {# template-inline-script-or-style #}
<p class="style" data-style="x" data-on="y">
<button onclick="go()"> {# template-inline-script-or-style #}
<a href="javascript:go()"> {# template-inline-script-or-style #}
"""


def _expected(source: str, comment: str) -> set[tuple[int, str]]:
    lines = enumerate(source.splitlines(), start=1)
    parts = ((number, line.partition(comment)[2]) for number, line in lines)
    return {(number, rest.strip(" #}")) for number, rest in parts if rest}


def _found(folder: Path) -> dict[str, set[tuple[int, str]]]:
    tools = ROOT / ".venv" / "semgrep" / "bin"
    assert (tools / "semgrep").exists(), "run `make lint` first: it installs semgrep"
    command = ["semgrep", "scan", "--quiet", "--json", "--metrics", "off", "--no-git-ignore"]
    done = subprocess.run(
        [*command, "--disable-version-check", "--config", ROOT / ".ci/semgrep.yml", "."],
        cwd=folder,
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    report = json.loads(done.stdout)
    assert report["errors"] == [], done.stderr
    found: dict[str, set[tuple[int, str]]] = {}
    for result in report["results"]:
        rule = result["check_id"].rpartition(".")[2]
        found.setdefault(result["path"], set()).add((result["start"]["line"], rule))
    return found


def test_every_wall_stops_its_mistake_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(PYTHON)
    (tmp_path / "page.html").write_text(TEMPLATE)
    found = _found(tmp_path)
    assert found["page.py"] == _expected(PYTHON, "  # ")
    assert found["page.html"] == _expected(TEMPLATE, "{# ")


@pytest.mark.parametrize(
    "source, rule",
    [
        ("import pickle\n", "TID251"),
        ("def f():\n    try:\n        g()\n    except Exception:\n        pass\n", "BLE001"),
        ("from datetime import datetime\nnow = datetime.now()\n", "DTZ005"),
        ("print('hello')\n", "T201"),
    ],
)
def test_the_linter_stops_what_the_house_forbids(source: str, rule: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "json", "-"]
    done = subprocess.run(
        [*command, "--stdin-filename", "gcal_plugin/services/example.py"],
        input=source,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert rule in {finding["code"] for finding in json.loads(done.stdout)}
