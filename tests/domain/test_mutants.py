"""Every defence is taken out once, and something must change: no defence is only decoration.

A copy of the package with one line replaced answers the same questions as the real one. The list,
with the name of each defence, is mutants.toml.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import phonenumbers
import pytest

import gcal_plugin.domain

HERE = Path(__file__).parent
ROOM = Path(gcal_plugin.domain.__file__).parent
MUTANTS = tomllib.loads((HERE / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
TRICKS = [
    line.encode("ascii").decode("unicode_escape")
    for line in (HERE / "fraud_corpus.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
NUMBERS = ["+31612345678", "+3161234567", "+319008844", "+3114020", "+31841234567", "+31112"]
NUMBERS += ["+88216123456", "+979123456789", "+32471234567", "+3290012345", "+3278791234"]
NUMBERS += ["+447012345678", "+310612345678", "+3180012345", "+31661234567", "+3197010123456"]
NAMES = ["policy", "schedule", "forwarding", "loops", "request_state", "destination"]
NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def copy(tmp_path: Path, name: str, **mutant: str) -> SimpleNamespace:
    """Answer the modules of a copy of the room, with one line replaced if one is given."""
    folder = tmp_path / name
    folder.mkdir()
    for source in ROOM.glob("*.py"):
        text = source.read_text(encoding="utf-8")
        if source.name == mutant.get("file"):
            assert text.count(mutant["old"]) == 1, f"{source.name} has no single {mutant['old']}"
            text = text.replace(mutant["old"], mutant["new"])
        target = folder / source.name
        target.write_text(text.replace("gcal_plugin.domain", name), encoding="utf-8")
    return SimpleNamespace(**{one: importlib.import_module(f"{name}.{one}") for one in NAMES})


def answers(domain: Any) -> Iterator[str]:
    """Ask everything that a defence decides."""
    policy, destination = domain.policy, domain.destination
    line = policy.LineContext
    number, extension = destination.Kind.NUMBER, destination.Kind.EXTENSION

    def where(value: str) -> Any:
        return destination.Destination(number if value[0] == "+" else extension, value)

    for title in [*TRICKS, "0612345678", "333", "2026"]:
        yield f"{title!r} {policy.explain(title)}"

    everywhere = policy.Policy(allowed_countries=frozenset(phonenumbers.SUPPORTED_REGIONS))
    opened = policy.Policy(allowed_prefixes=frozenset({"+31", "+32", "+882", "+979"}))
    tie = policy.Policy(allowed_prefixes=frozenset({"+316"}), denied_prefixes=frozenset({"+316"}))
    for value, rules in product(NUMBERS, [policy.DEFAULT, everywhere, opened, tie]):
        yield f"{value} {policy.refusal(where(value), rules)}"

    lines = [
        line(known_extensions=frozenset({"200", "112"}), unreachable_extensions=frozenset({"200"})),
        line(own_numbers=frozenset({"+31612345678"})),
        line(blocked=frozenset({"+31612345678"})),
        line(killed=True),
    ]
    for value, context in product(["+31612345678", "200", "333", "112"], lines):
        yield f"{value} {policy.refusal(where(value), policy.DEFAULT, context)}"
    yield str([policy.within_changes_cap(done) for done in (0, 200)])

    ring = {"200": [where("201")], "201": [where("200"), where("+31201234567")]}
    yield str(domain.loops.find_loops(ring, {"+31201234567": "201"}))
    ring = {"200": [where("+31201234567")], "201": [where("200")]}
    yield str(domain.loops.find_loops(ring, {"+31201234567": "201"}))

    for value in ["+31*21#", "+31612345678\n"]:
        try:
            yield str(where(value))
        except ValueError as refused:
            yield str(refused)

    yield from _answers_about_time(domain)
    states = domain.request_state
    for state, action, role in product(states.RequestState, states.RequestAction, states.Role):
        try:
            yield str(states.step(state, action, role))
        except states.IllegalStep as refused:
            yield str(refused)


def _answers_about_time(domain: Any) -> Iterator[str]:
    schedule, policy, forwarding = domain.schedule, domain.policy, domain.forwarding
    start = schedule.EventTime(instant=NINE)
    hour = schedule.EventTime(instant=NINE + timedelta(hours=1))
    month = schedule.EventTime(instant=NINE + timedelta(days=40))
    accepting = policy.Policy(accept_invitations=True)
    cases: list[dict[str, Any]] = [
        {},
        {"organizer_self": False},
        {"organizer_self": False, "self_response": "accepted"},
        {"self_response": "declined"},
        {"event_type": "focusTime"},
        {"status": "cancelled"},
        {"end_unspecified": True},
        {"end": start},
        {"end": month},
        {"title": None, "title_hidden": True},
        {"title": "0900-8844"},
    ]
    for case, role, rules in product(
        cases, ["owner", "freeBusyReader"], [policy.DEFAULT, accepting]
    ):
        fields = {"id": "e", "title": "0612345678", "start": start, "end": hour} | case
        event = schedule.CalendarEvent(**fields)
        window = schedule.event_window(event, calendar_zone="UTC", access_role=role)
        yield str(window)
        if window is not None:
            judged = schedule.judge(window, rules)
            yield f"{judged} {judged.destination}"
    windows = [
        schedule.Window(f"e{place}", NINE, hour.instant, kind, value, allowed=place < 2)
        for place, (kind, value) in enumerate(
            [
                (domain.destination.Kind.NUMBER, "+31612345678"),
                (domain.destination.Kind.EXTENSION, "333"),
                (domain.destination.Kind.NUMBER, "+319008844"),
            ]
        )
    ]
    for most, now in product([None, 1], [NINE, hour.instant]):
        yield str(forwarding.desired_at(windows, now, max_destinations=most))
    until = NINE + timedelta(hours=3)
    later = schedule.Window("l", until, until, windows[0].kind, windows[0].value, allowed=True)
    yield str(forwarding.segments([*windows, later], NINE, until))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("room_"):
            del sys.modules[name]


def told(domain: Any) -> list[str]:
    """Answer everything, or that the copy broke, which a test would notice just as well."""
    try:
        return [answer.replace(domain.policy.__name__, "") for answer in answers(domain)]
    except (ValueError, AttributeError, AssertionError) as broken:
        return [f"broke: {broken}"]


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("truth")
        patch.syspath_prepend(str(folder))
        found = told(copy(folder, "room_truth"))
    assert len(found) > 500
    return found


def test_an_unchanged_copy_answers_the_same(room: Path, truth: list[str]):
    assert told(copy(room, "room_same")) == truth


@pytest.mark.parametrize("number", range(len(MUTANTS)), ids=[one["defence"] for one in MUTANTS])
def test_without_its_defence_something_changes(room: Path, truth: list[str], number: int):
    assert told(copy(room, f"room_{number}", **MUTANTS[number])) != truth
