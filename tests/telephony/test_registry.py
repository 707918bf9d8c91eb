"""Settings become exchanges, and every wrong key is told at once, by its name."""

from __future__ import annotations

import base64
from importlib.metadata import EntryPoint

import pytest
from pydantic import BaseModel, ConfigDict

from gcal_plugin.ports import Telephony
from gcal_plugin.telephony.faults import ConfigFault, ConfigFaults
from gcal_plugin.telephony.memory import MemoryTelephony
from gcal_plugin.telephony.registry import (
    DuplicateBackend,
    backends,
    build,
    build_all,
    register_telephony,
    unregister_telephony,
)

SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes at least").decode()
GOOD = {
    "memory": {},
    "webhook": {"url": "https://pbx.example/gcal", "secret": SECRET},
    "kamailio": {"url": "https://pbx.example", "token": "sixteen-characters-or-more"},
    "asterisk": {"host": "pbx.example", "username": "gcal", "secret": "eight-or-more"},
    "freepbx": {
        "host": "10.0.0.2", "username": "gcal", "secret": "eight-or-more", "domain": "a.example",
    },
    "freepbx-followme": {
        "host": "::1", "username": "gcal", "secret": "eight-or-more", "domain": "a.example",
    },
    "broadworks": {
        "url": "https://bw.example/com.broadsoft.xsi-actions", "username": "u", "password": "p",
    },
    "pull": {"format": "twiml"},
}  # fmt: skip


def faults(settings: dict[str, dict[str, object]]) -> dict[str, str]:
    with pytest.raises(ConfigFaults) as caught:
        build_all(settings)
    return {fault.key: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize("backend", GOOD)
def test_every_shipped_backend_builds(backend: str):
    exchange = build("main", {"backend": backend, **GOOD[backend]})
    assert isinstance(exchange, Telephony)
    assert exchange.name == "main"


def test_the_list_of_backends_is_the_shipped_ones():
    assert backends() == sorted(GOOD)


def test_every_fault_of_every_exchange_is_told_by_its_key():
    found = faults(
        {
            "one": {"backend": "webhook", "url": "ftp://x", "secret": "whsec_c2hvcnQ="},
            "two": {"backend": "kamailio", "tokn": "x", "url": "http://127.0.0.1:1"},
            "three": {"backend": "carrier-pigeon"},
            "four": {},
            "five": {"backend": "pull", "format": "fax"},
        }
    )
    assert sorted(found) == [
        "GCAL_TELEPHONY.five.format",
        "GCAL_TELEPHONY.four.backend",
        "GCAL_TELEPHONY.one.secret",
        "GCAL_TELEPHONY.one.url",
        "GCAL_TELEPHONY.three.backend",
        "GCAL_TELEPHONY.two.token",
        "GCAL_TELEPHONY.two.tokn",
        "GCAL_TELEPHONY.two.url",
    ]
    assert found["GCAL_TELEPHONY.two.token"] == "is missing"
    assert "5 bytes" in found["GCAL_TELEPHONY.one.secret"]
    assert "kamailio" in found["GCAL_TELEPHONY.three.backend"]


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "twenty-four bytes at least",
        "whsec_not base64 !!",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        None,
        7,
    ],
)
def test_a_weak_webhook_secret_is_refused_and_never_repeated(secret: object):
    with pytest.raises(ConfigFaults) as caught:
        build("main", {"backend": "webhook", "url": "https://pbx.example", "secret": secret})
    (fault,) = caught.value.faults
    assert fault.key == "GCAL_TELEPHONY.main.secret"
    if isinstance(secret, str) and len(secret) > 8:
        assert secret.removeprefix("whsec_") not in fault.message


def test_a_name_is_taken_once():
    with pytest.raises(DuplicateBackend):
        register_telephony("webhook", lambda name, config: MemoryTelephony(name))
    register_telephony("mine", lambda name, config: MemoryTelephony(name))
    try:
        with pytest.raises(DuplicateBackend):
            register_telephony("mine", lambda name, config: MemoryTelephony(name))
        assert isinstance(build("main", {"backend": "mine"}), MemoryTelephony)
        assert "mine" in backends()
    finally:
        unregister_telephony("mine")
    with pytest.raises(ConfigFaults, match="mine"):
        build("main", {"backend": "mine"})


class Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")
    shelf: int


def build_shelved(name: str, config: dict[str, object]) -> MemoryTelephony:
    Keys(**config)
    return MemoryTelephony(name)


def point(name: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:build_shelved", "gcal_plugin.telephony")


def test_another_package_brings_a_backend_by_entry_point(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "someones_package", sys.modules[__name__])
    announced = [EntryPoint("shelf", "someones_package:build_shelved", "gcal_plugin.telephony")]
    assert build("main", {"backend": "shelf", "shelf": 3}, discovered=announced).name == "main"
    with pytest.raises(ConfigFaults) as caught:
        build("main", {"backend": "shelf", "shelf": "top"}, discovered=announced)
    assert [fault.key for fault in caught.value.faults] == ["GCAL_TELEPHONY.main.shelf"]


def test_two_packages_with_one_name_are_a_fault_and_no_silent_choice():
    with pytest.raises(DuplicateBackend):
        backends([point("shelf"), point("shelf")])
    with pytest.raises(DuplicateBackend):
        backends([point("webhook")])


@pytest.mark.parametrize("name", ["", "a b", "x/y", "été!"])
def test_a_backend_needs_a_plain_name(name: str):
    with pytest.raises(ValueError, match="name for a backend"):
        register_telephony(name, lambda name, config: MemoryTelephony(name))


def test_a_fault_reads_as_one_line():
    assert str(ConfigFaults([ConfigFault("A", "is x"), ConfigFault("B", "is y")])) == (
        "A: is x; B: is y"
    )
