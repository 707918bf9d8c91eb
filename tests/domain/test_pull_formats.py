"""The set that rings now, in each form that an exchange may ask for."""

from __future__ import annotations

import json

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.domain.pull_formats import FORMATS, TWIML_MOST, render

JAN, DESK = Destination.parse("+31612345678"), Destination.parse("333")


def test_plain_is_one_destination_a_line():
    assert render("plain", [JAN, DESK])[0] == "+31612345678\n333\n"
    assert render("plain", [])[0] == ""


def test_json_tells_the_kinds_apart():
    body, kind = render("json", [JAN, DESK])
    assert kind == "application/json"
    assert json.loads(body)["destinations"] == [
        {"kind": "number", "value": "+31612345678"},
        {"kind": "extension", "value": "333"},
    ]


def test_twiml_dials_ten_at_most_and_nobody_without_a_forward():
    many = [Destination.parse(str(200 + place)) for place in range(12)]
    body, kind = render("twiml", many)
    assert kind == "application/xml"
    assert body.count("<Number>") == TWIML_MOST == 10
    assert "<Dial>" not in render("twiml", [])[0]


def test_voipgrid_takes_one():
    assert render("voipgrid", [JAN, DESK])[0].startswith("status=ACK&destination=31612345678&")
    assert "destination=333&" in render("voipgrid", [DESK])[0]
    assert render("voipgrid", [])[0] == "status=NAK\n"


def test_every_form_answers_for_every_set_and_no_other_form_exists():
    assert all(render(form, some)[1] for form in FORMATS for some in ([], [JAN], [JAN, DESK]))
    with pytest.raises(KeyError):
        render("xml", [JAN])
