"""The three AMI backends keep the promises, against a manager that speaks the real protocol."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from gcal_plugin.ports import (
    Applied,
    ForeignForward,
    Line,
    PlanWindow,
    Telephony,
    UnknownExtension,
)
from gcal_plugin.telephony.asterisk import FamilyTelephony, FollowMeTelephony, ForwardTelephony
from gcal_plugin.telephony.asterisk.ami import Manager
from tests.contracts.telephony import (
    LINE,
    LINES,
    OTHER,
    SAME_NUMBER_ELSEWHERE,
    TelephonyContract,
    WireContract,
    numbers,
)
from tests.fakes.ami import SECRET, USER
from tests.servers import Child, free_port

ROOT = Path(__file__).parents[2]


class AmiServer(ABC):
    """A manager in a process of its own, as the contract suite wants its servers."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.port = free_port()
        self.data = folder / "astdb.json"
        users = {f"/AMPUSER/{ext}/device": f"{ext}&99{ext}" for ext in LINES["acme.example"]}
        self.data.write_text(json.dumps(users))
        self._adapters: list[Any] = []
        self._child = Child(
            [
                sys.executable,
                "-m",
                "tests.fakes.ami",
                "--port",
                str(self.port),
                "--data",
                self.data,
                *flags,
            ],
            log=folder / "ami.log",
            name="manager",
            cwd=ROOT,
        )
        self.start()

    @abstractmethod
    def make(self, manager: Manager) -> Any: ...

    def start(self) -> None:
        self._child.start()
        self._child.wait_for("^ready")

    def restart(self) -> None:
        self._child.kill()
        self.start()

    def stop(self) -> None:
        for adapter in self._adapters:
            adapter.close()
        self._child.stop()

    def rows(self) -> dict[str, str]:
        """What AstDB holds."""
        found: dict[str, str] = json.loads(self.data.read_text())
        return found

    def connect(
        self,
        port: int,
        *,
        timeout: float = 5.0,
        credentials: Literal["right", "wrong"] = "right",
    ) -> Any:
        secret = SECRET if credentials == "right" else "made-up-by-somebody"
        adapter = self.make(Manager("127.0.0.1", port, USER, secret, timeout=timeout))
        self._adapters.append(adapter)
        return adapter


class Family(AmiServer):
    def make(self, manager: Manager) -> FamilyTelephony:
        return FamilyTelephony("asterisk", manager)


class Forward(AmiServer):
    def make(self, manager: Manager) -> ForwardTelephony:
        return ForwardTelephony("freepbx", manager, "acme.example")


class FollowMe(AmiServer):
    def make(self, manager: Manager) -> FollowMeTelephony:
        return FollowMeTelephony("followme", manager, "acme.example")


class TestAsteriskFamily(WireContract, TelephonyContract):
    refuses_older = True

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[AmiServer]:
        server = Family(tmp_path, "--split")
        yield server
        server.stop()

    def test_a_replaced_plan_leaves_no_rows_behind_for_ever(self, server: Family):
        adapter = server.connect(server.port)
        self.test_a_plan_rings_who_it_says_or_is_refused_in_words(adapter, 3)
        for revision in range(3, 6):
            adapter.replace(LINE, numbers(1), revision=revision)
        assert [key for key in server.rows() if key.startswith("/gcal-plan/")] == []

    def test_old_plans_go_one_by_one_where_a_tree_would_take_others_along(self, server: Family):
        """A domain with a _ in it: to the manager a_b is a.b as well."""
        adapter = server.connect(server.port)
        near, far = Line("a_b.example", "200"), Line("a-b.example", "200")
        now = datetime.now(UTC)
        for line in (near, far):
            window = PlanWindow(now - timedelta(minutes=1), now + timedelta(hours=1), *numbers(1))
            end = now + timedelta(days=1)
            adapter.replace_plan(line, [window], valid_until=end, revision=1)
        for revision in (2, 3):
            adapter.replace(near, frozenset(), revision=revision)
        kept = {key.split("/")[2] for key in server.rows() if key.startswith("/gcal-plan/")}
        assert kept == {"a-b.example"}
        assert adapter.read(far).destinations == numbers(1)

    @pytest.mark.parametrize("value", ["*97", "5:0:0:*97", "5:1:0:"])
    def test_a_row_that_is_not_ours_stops_no_other_line(self, server: Family, value: str):
        """Somebody else's text, a code instead of a number, a plan whose rows are gone."""
        adapter = server.connect(server.port)
        adapter.replace(OTHER, numbers(1), revision=1)
        adapter._manager.put("gcal", "acme.example/200", value)
        found = {state.line: state for state in adapter.read_all()}
        assert found[LINE].odd
        assert found[OTHER].destinations == numbers(1)
        assert adapter.replace(LINE, numbers(2), revision=6) == Applied(numbers(2), 6)

    def test_values_fit_into_what_astdb_reads_back(self, server: Family):
        adapter = server.connect(server.port)
        adapter.replace(LINE, numbers(10), revision=999_999_998)
        adapter.replace(LINE, numbers(10), revision=999_999_999)
        assert max(len(value) for value in server.rows().values()) < 255


class FreePbxContract(WireContract, TelephonyContract):
    refuses_older = False
    keeps_revision = False

    type_by_hand: Callable[[Manager], None]

    def test_a_feature_code_that_somebody_typed_stops_no_other_line(self, server: AmiServer):
        adapter = server.connect(server.port)
        for line in (LINE, OTHER):
            adapter.replace(line, numbers(1), revision=1)
        self.type_by_hand(adapter._manager)
        with pytest.raises(ForeignForward, match="not ours"):
            adapter.read(LINE)
        found = {state.line: state for state in adapter.read_all()}
        assert "97" in found[LINE].odd
        assert found[OTHER].destinations == numbers(1)

    def test_the_same_extension_in_two_domains_is_two_lines(self, telephony: Telephony):
        """A FreePBX is one customer's: the other domain's 200 is not here."""
        telephony.replace(LINE, numbers(1), revision=1)
        with pytest.raises(UnknownExtension):
            telephony.replace(SAME_NUMBER_ELSEWHERE, numbers(1, start=30_000_000), revision=1)
        assert telephony.read(LINE).destinations == numbers(1)


class TestFreePbxForward(FreePbxContract):
    @staticmethod
    def type_by_hand(manager: Manager) -> None:
        manager.put("CF", "200", "*97")

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[AmiServer]:
        server = Forward(tmp_path, "--may", "system,call")
        yield server
        server.stop()

    def test_the_rows_are_those_that_freepbx_reads(self, server: Forward):
        adapter = server.connect(server.port)
        adapter.replace(LINE, numbers(1), revision=1)
        rows = server.rows()
        assert rows["/CF/200"] == "0610000000"
        assert rows["/variables/DEVICE_STATE(Custom:CF200)"] == "BUSY"
        assert rows["/variables/DEVICE_STATE(Custom:DEVCF200)"] == "BUSY"
        assert rows["/variables/DEVICE_STATE(Custom:DEVCF99200)"] == "BUSY"
        adapter.replace(LINE, frozenset(), revision=2)
        rows = server.rows()
        assert "/CF/200" not in rows
        assert rows["/variables/DEVICE_STATE(Custom:CF200)"] == "NOT_INUSE"
        assert rows["/variables/DEVICE_STATE(Custom:DEVCF99200)"] == "NOT_INUSE"


class TestFreePbxFollowMe(FreePbxContract):
    @staticmethod
    def type_by_hand(manager: Manager) -> None:
        manager.put("AMPUSER", "200/followme/grplist", "*97")

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[AmiServer]:
        server = FollowMe(tmp_path, "--old", "--may", "system,call,command")
        yield server
        server.stop()

    def test_the_rows_are_those_that_freepbx_reads(self, server: FollowMe):
        adapter = server.connect(server.port)
        adapter.replace(LINE, numbers(2), revision=1)
        rows = server.rows()
        assert rows["/AMPUSER/200/followme/grplist"] == "0610000000#-0610000001#"
        assert rows["/AMPUSER/200/followme/ddial"] == "DIRECT"
        assert rows["/AMPUSER/200/followme/prering"] == "0"
        for device in ("200", "99200"):
            assert rows[f"/variables/DEVICE_STATE(Custom:FOLLOWME{device})"] == "INUSE"
        adapter.replace(LINE, frozenset(), revision=2)
        assert server.rows()["/AMPUSER/200/followme/ddial"] == "EXTENSION"
