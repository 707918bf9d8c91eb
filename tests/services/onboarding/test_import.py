"""Importing customers: all or nothing, repeatable, each fault with its line."""

from __future__ import annotations

import pytest

from gcal_plugin.services.onboarding import direct, ending
from gcal_plugin.services.onboarding.importing import FileRefused, Imported, import_csv
from gcal_plugin.store.tables import Link, MailOut, Request
from tests.support.portal import ANNA, DESK, JAN

from .conftest import World
from .test_life import ask

GOOD = f"email,extension\n{JAN.email},200\n{ANNA.email},201\n"


def take(world: World, text: str | bytes, *, revive: bool = False) -> Imported:
    data = text if isinstance(text, bytes) else text.encode()
    return import_csv(world.rt, "bel", data, who="operator:cli", revive=revive)


def faults(world: World, text: str | bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(FileRefused) as caught:
        take(world, text)
    assert world.rows(Link) == []
    assert world.rows(Request) == []
    assert world.rows(MailOut) == []
    return [(fault.line, fault.field, fault.code) for fault in caught.value.faults]


def test_importing_twice_doubles_nothing(world: World) -> None:
    assert take(world, GOOD) == Imported(made=2, there=0)
    assert take(world, GOOD) == Imported(made=0, there=2)
    assert sorted((x.account_id, x.extension) for x in world.rows(Link)) == [
        ("anna", "201"), ("jan", "200"),
    ]  # fmt: skip
    assert len(world.rows(MailOut, MailOut.kind == "done")) == 2


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace(",", ";"),
        "\ufeff" + GOOD.replace(",", "\t"),
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n\n ; \n".replace(";", ","),
        f'"E-mail","naam","Extensie"\n"{JAN.email}","Jansen, Jan","200"\n{ANNA.email},,201\n',
        GOOD.replace("extension", "extension,naam").replace(",200", ",200,Renée").encode("cp1252"),
    ],
)
def test_what_spreadsheets_write_is_read(world: World, text: str | bytes) -> None:
    assert take(world, text) == Imported(made=2, there=0)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", [(1, "email", "column_missing"), (1, "extension", "column_missing")]),
        ("email,extension\n", [(1, "", "no_rows")]),
        ("email\njan@x.example\n", [(1, "extension", "column_missing")]),
        (GOOD + f"{JAN.email},200\n", [(4, "extension", "repeats_line_2")]),
        (GOOD + "nobody@x.example,333\n", [(4, "email", "unknown_account")]),
        (GOOD + f"{JAN.email},999\n", [(4, "extension", "unknown_extension")]),
        (GOOD + f"{JAN.email},\n", [(4, "extension", "required")]),
        (GOOD + f"{JAN.email}\n", [(4, "extension", "required")]),
        (GOOD + "piet@garage.example,333\n", [(4, "email", "unknown_account")]),
        (GOOD + "=HYPERLINK(1),333\n", [(4, "email", "formula")]),
        (GOOD + f"{JAN.email},+333\n", [(4, "extension", "formula")]),
        (GOOD + "@SUM(A1),333\n-1,333\n", [(4, "email", "formula"), (5, "email", "formula")]),
        (GOOD + '"unclosed,333\n', [(4, "", "not_a_csv")]),
        ("email,extension\0\n", [(1, "", "not_a_csv")]),
        (
            f"email,extension\nx,y\n{JAN.email},200\n,\nz@z.example,12345678\n",
            [
                (2, "email", "not_an_email"),
                (2, "extension", "not_an_extension"),
                (5, "extension", "not_an_extension"),
            ],
        ),
    ],
)
def test_every_fault_is_told_with_its_line_and_nothing_is_taken_in(
    world: World, text: str, expected: list[tuple[int, str, str]]
) -> None:
    assert faults(world, text) == expected


def test_a_line_that_the_exchange_does_not_know_stops_the_whole_file(world: World) -> None:
    world.pbx.exchange.lines = {JAN.domain: frozenset({"200"})}
    assert faults(world, GOOD) == [(3, "extension", "exchange_unknown")]


def test_a_line_that_somebody_else_has_stops_the_whole_file(world: World) -> None:
    take(world, f"email,extension\n{ANNA.email},200\n")
    with pytest.raises(FileRefused) as caught:
        take(world, GOOD)
    assert [(f.line, f.code) for f in caught.value.faults] == [(2, "taken")]
    assert len(world.rows(Link)) == 1


@pytest.mark.parametrize("cancelled", [False, True])
def test_importing_again_revives_no_contract_that_ended_unless_told_to(
    world: World, cancelled: bool
) -> None:
    if cancelled:
        request_id = ask(world)
        ending.cancel(world.rt, DESK, request_id, None, as_desk=True)
        take(world, f"email,extension\n{ANNA.email},201\n")
    else:
        take(world, GOOD)
        [row] = world.rows(Request, Request.extension == "200")
        ending.end_contract(world.rt, DESK, row.id, None)
    before = len(world.rows(MailOut))
    with pytest.raises(FileRefused) as caught:
        take(world, GOOD)
    assert [(f.line, f.field, f.code) for f in caught.value.faults] == [(2, "extension", "ended")]
    assert len(world.rows(MailOut)) == before
    assert take(world, GOOD, revive=True) == Imported(made=1, there=1)
    assert take(world, GOOD) == Imported(made=0, there=2)


def test_whoever_comes_after_a_contract_that_ended_is_a_new_customer(world: World) -> None:
    take(world, GOOD)
    [row] = world.rows(Request, Request.extension == "200")
    ending.end_contract(world.rt, DESK, row.id, None)
    assert take(world, f"email,extension\n{ANNA.email},200\n") == Imported(made=1, there=0)


def test_one_line_asked_for_by_itself_may_begin_anew(world: World) -> None:
    take(world, GOOD)
    [row] = world.rows(Request, Request.extension == "200")
    ending.end_contract(world.rt, DESK, row.id, None)
    again = direct.provision_directly(world.rt, DESK, email=JAN.email, extension="200")
    assert again != row.id
