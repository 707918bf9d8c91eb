"""`flask gcal pbx check` and `move` on real Kamailios, told by who rings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from click.testing import Result

from gcal_plugin.cli import commands
from gcal_plugin.ports import Line
from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.servers.databases import Databases
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones
from tests.support.lines import JAN, PIET, MovedClock, World, make_world
from tests.support.runtime import make_schema
from tests.support.stage import RealClock

pytestmark = pytest.mark.sip

DOMAIN = "bakkerij.example"


class Customer:
    """One customer on `old`, an empty exchange `new`, and the command line."""

    def __init__(
        self, world: World, phones: Phones, servers: dict[str, Kamailio], exchanges: dict[str, Any]
    ) -> None:
        self.world, self.phones = world, phones
        self.servers, self.exchanges = servers, exchanges
        self.edge = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        self.link = world.link("200", pbx="old")
        world.window(self.link, JAN, self.edge - timedelta(hours=2), self.edge)
        world.window(self.link, PIET, self.edge, self.edge + timedelta(hours=1))
        world.go()

    def run(self, *arguments: str) -> Result:
        return self.world.app.test_cli_runner().invoke(commands(), ["pbx", *arguments])

    def rings(self, name: str, at: datetime | None = None) -> set[str]:
        """Who rings when 200 is called through an exchange, now or at an instant."""
        second = int(at.timestamp()) if at else None
        call = self.phones.call(self.servers[name].sip, "200", DOMAIN, at=second)
        numbers = {f"+31{number[1:]}" for number in call.rang}
        return numbers | ({"own"} if call.own else set())


@pytest.fixture
def customer(
    kamailio: Kamailio,
    phones: Phones,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Customer]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("new")
        other = Kamailio(folder, gateway=phones.gateway, phones=phones.own).start()
        stack.callback(other.stop)
        servers = {"old": kamailio, "new": other}
        exchanges: dict[str, Any] = {}
        for name, server in servers.items():
            adapter = KamailioTelephony(name, f"http://127.0.0.1:{server.port}", server.token)
            stack.callback(adapter.close)
            exchanges[name] = adapter
        url = stack.enter_context(databases.fresh("sqlite", key="schema", prepare=make_schema))
        clock = cast("MovedClock", RealClock())
        world = stack.enter_context(make_world(url, exchanges))
        world.clock = clock
        object.__setattr__(world.rt.store, "_clock", lambda _session: datetime.now(UTC))
        yield Customer(world, phones, servers, exchanges)


def test_a_check_writes_reads_back_and_restores_on_the_real_exchange(customer: Customer) -> None:
    line = Line(DOMAIN, "299")
    exchange = customer.exchanges["new"]
    result = customer.run("check", "new", "--domain", DOMAIN, "--extension", "299", "--json")
    assert result.exit_code == 0, result.output
    findings = json.loads(result.output)["findings"]
    assert [one["what"] for one in findings if one["ok"]] == [
        "reach and log in", "read", "write and read back", "restore",
    ]  # fmt: skip
    assert exchange.read(line).destinations == frozenset()
    assert exchange.read(line).revision == 2  # written, and put back
    customer.servers["new"].stop()
    result = customer.run("check", "new", "--domain", DOMAIN, "--extension", "299")
    assert result.exit_code == 1
    assert "FAIL reach and log in" in result.output


def test_a_customer_moves_while_phones_ring(customer: Customer) -> None:
    edge = customer.edge
    assert customer.rings("old") == {JAN}
    assert customer.rings("old", edge) == {PIET}  # the plan that the old exchange holds
    arguments = ("move", "--tenant", "bel", "--domain", DOMAIN, "--to", "new", "--json")
    dry = json.loads(customer.run(*arguments).output)
    assert dry["dry_run"]
    assert [one["to"] for one in dry["moves"]] == [["new", DOMAIN, "200"]]
    assert (customer.rings("old"), customer.rings("new")) == ({JAN}, {"own"})

    customer.servers["new"].kill()
    result = customer.run(*arguments, "--go")
    assert result.exit_code == 1
    assert customer.rings("old") == {JAN}  # a new one that is away changes nothing
    customer.servers["new"].restart()

    customer.servers["old"].kill()
    result = customer.run(*arguments, "--go")
    assert result.exit_code == 1
    assert json.loads(result.output)["uncleared"] == [["old", DOMAIN, "200"]]
    customer.world.go()
    assert customer.rings("new") == {JAN}
    assert customer.rings("new", edge) == {PIET}

    customer.servers["old"].restart()
    assert customer.rings("old", edge) == {PIET}  # it kept its plan over the restart
    result = customer.run(*arguments, "--go")
    assert result.exit_code == 0, result.output
    done = json.loads(result.output)
    assert (done["moves"], done["uncleared"]) == ([], [])
    for at in (None, edge, edge + timedelta(minutes=30)):
        assert customer.rings("old", at) == {"own"}
    assert customer.rings("new") == {JAN}


def test_an_extension_is_renumbered_while_phones_ring(customer: Customer) -> None:
    arguments = ("move", "--tenant", "bel", "--domain", DOMAIN, "--renumber", "200=300", "--go")
    result = customer.run(*arguments)
    assert result.exit_code == 0, result.output
    customer.world.go()
    for at in (None, customer.edge):
        assert customer.rings("old", at) == {"own"}
    second = int(customer.edge.timestamp())
    for instant, wanted in ((None, JAN), (second, PIET)):
        call = customer.phones.call(customer.servers["old"].sip, "300", DOMAIN, at=instant)
        assert call.rang == {f"0{wanted[3:]}"}
