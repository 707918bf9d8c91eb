"""An exchange on this machine is allowed where its address says so in plain words, only then."""

from __future__ import annotations

import pytest

from gcal_plugin.telephony.faults import ConfigFaults
from gcal_plugin.telephony.registry import build

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"


def entry(url: str, **more: object) -> dict[str, object]:
    return {"backend": "webhook", "url": url, "secret": SECRET, **more}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "http://localhost:9000/gcal", "http://[::1]:9000"]
)
def test_a_plain_address_of_this_machine_needs_no_other_key(url: str) -> None:
    assert build("main", entry(url)).name == "main"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:9000",
        "http://0.0.0.0:9000",
        "http://[::ffff:127.0.0.1]:9000",
        "http://2130706433:9000",
        "http://127.1:9000",
        "http://169.254.169.254/latest",
        "http://10.0.0.1:9000",
    ],
)
def test_every_other_way_to_write_it_is_refused(url: str) -> None:
    with pytest.raises(ConfigFaults):
        build("main", entry(url))


def test_the_key_can_refuse_it_all_the_same() -> None:
    with pytest.raises(ConfigFaults):
        build("main", entry("http://127.0.0.1:9000", allow_loopback=False))
