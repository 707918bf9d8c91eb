"""What a customer is told about the exchange before linking: nothing of it is left unsaid."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from flask import Flask

from gcal_plugin.ports import Capabilities
from gcal_plugin.web import words_desk

PLAIN = Capabilities(max_destinations=10)
UNTOLD = {
    "mode", "chains_forwards", "number_format", "atomic_replace", "fences", "read_back", "bulk",
    "plan", "expiry",
}  # fmt: skip
"""How we and the exchange get on with each other: no customer ever notices."""
TOLD: dict[str, Any] = {
    "max_destinations": 3,
    "multi_keeps_own_phone": True,
    "accepts_extensions": False,
    "ring_seconds": 25,
    "answer_confirmation": True,
    "without_answer": "ends",
    "caller_number": "own",
    "proven": False,
}


def said(found: Capabilities, language: str = "en") -> list[str]:
    from gcal_plugin.web.i18n import in_locale

    with Flask("words").test_request_context(), in_locale(language):
        return [str(one) for one in words_desk.capabilities(found)]


def test_every_capability_is_told_or_nobodys_business() -> None:
    assert UNTOLD | set(TOLD) == {one.name for one in dataclasses.fields(Capabilities)}


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_each_changes_what_is_said(name: str, language: str) -> None:
    changed = dataclasses.replace(PLAIN, **{name: TOLD[name]})
    assert set(said(changed, language)) != set(said(PLAIN, language))


def test_what_happens_without_an_answer_is_said_in_three_ways() -> None:
    ways = [
        said(dataclasses.replace(PLAIN, without_answer=way))
        for way in ("ends", "own_route", "unknown")
    ]
    assert len({tuple(one) for one in ways}) == 3
    assert "If nobody answers, the call ends." in ways[0]
