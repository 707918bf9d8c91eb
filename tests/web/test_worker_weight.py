"""A web worker holds nothing that only commands, migrations and letters need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from gcal_plugin.store import migrate
from tests.support.portal_app import config, prepare

HEAVY = ("alembic", "coloraide", "css_inline", "mako", "tinycss2")

SERVE = """
import json, sys
from example_app import create_app
from tests.support.portal_app import JAN, OPERATOR, PREFIX, Person

app = create_app(json.loads(sys.argv[1]))
asked = {}
client = app.test_client()
for path, headers in {
    "/login": {}, PREFIX + "/readyz": {}, PREFIX + "/metrics": {"Authorization": "Bearer weight"},
}.items():
    asked[path] = client.get(path, headers=headers).status_code
ready = client.get(PREFIX + "/readyz").json["migrations"]
asked["status"] = Person(app, JAN).client.get(PREFIX + "/").status_code
asked["board"] = Person(app, OPERATOR).client.get(PREFIX + "/operator/").status_code
print(json.dumps({"asked": asked, "ready": ready, "held": sorted(sys.modules)}))
"""


def test_pages_load_no_tools_of_commands(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'portal.db'}"
    engine = sa.create_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    prepare(url)
    given = config(url, GCAL_METRICS_TOKEN="weight", WTF_CSRF_ENABLED=True)
    command = [sys.executable, "-c", SERVE, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told["asked"].values()) == {200}, told["asked"]
    assert told["ready"] is True
    assert not [name for name in HEAVY if name in told["held"]]
