"""What `make run` remembers between two starts."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

from example_app.demo_state import load_state


def test_whoever_reads_while_the_state_is_written_sees_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    load_state(tmp_path, portal_port=9000)
    done = threading.Event()

    def move() -> None:
        for port in range(9001, 9201):
            load_state(tmp_path, portal_port=port)
        done.set()

    mover = threading.Thread(target=move)
    mover.start()
    seen = set()
    while not done.is_set():
        seen.add(json.loads(path.read_text())["ports"]["portal"])
    mover.join()
    assert seen
    assert json.loads(path.read_text())["ports"]["portal"] == 9200
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_start_keeps_secrets_and_the_neighbours_ports(tmp_path: Path) -> None:
    first = load_state(tmp_path, portal_port=9000)
    second = load_state(tmp_path, portal_port=9500)
    assert second["ports"] == first["ports"] | {"portal": 9500}
    assert {key: second[key] for key in ("secret_key", "encryption_key", "pbx_secret")} == {
        key: first[key] for key in ("secret_key", "encryption_key", "pbx_secret")
    }


def test_reading_alone_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    load_state(tmp_path, portal_port=9000)
    before = (tmp_path / "demo.json").stat().st_mtime_ns
    load_state(tmp_path)
    load_state(tmp_path, portal_port=9000)
    assert (tmp_path / "demo.json").stat().st_mtime_ns == before
