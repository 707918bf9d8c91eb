"""Settings are declared once, checked together, and told in the documentation."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from gcal_plugin.cli.settings import markdown_table
from gcal_plugin.settings import GcalSettings, SettingsError, load
from gcal_plugin.store.crypto import new_key

GOOD: dict[str, Any] = {
    "GCAL_GOOGLE_CLIENT_ID": "client",
    "GCAL_GOOGLE_CLIENT_SECRET": "secret",
    "GCAL_ENCRYPTION_KEYS": [new_key()],
    "GCAL_TELEPHONY": {"main": {"backend": "memory"}},
}


def test_the_documentation_tells_every_setting_as_the_code_declares_it() -> None:
    page = Path(__file__).parents[1] / "docs" / "settings.md"
    assert markdown_table() in page.read_text()


def test_missing_settings_are_told_together_each_with_its_mend() -> None:
    with pytest.raises(SettingsError) as caught:
        load({})
    assert set(caught.value.faults) == {
        "GCAL_GOOGLE_CLIENT_ID",
        "GCAL_GOOGLE_CLIENT_SECRET",
        "GCAL_ENCRYPTION_KEYS",
        "GCAL_TELEPHONY",
    }
    assert "flask gcal keys new" in str(caught.value)


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("GCAL_POLL_SECONDS", "soon", "number"),
        ("GCAL_HORIZON_DAYS", 0, "greater than or equal to 2"),
        ("GCAL_PUBLIC_URL", "portal.example", "http or https"),
        ("GCAL_GOOGLE_API_ROOT", "https://x.example/?a=1", "plain address"),
        ("GCAL_ENCRYPTION_KEYS", ["short"], "not base64"),
        ("GCAL_ENCRYPTION_KEYS", [base64.b64encode(b"x" * 16).decode()], "16 bytes"),
        ("GCAL_TELEPHONY", "{oops", "not valid JSON"),
        ("GCAL_TYPO", "x", "not a setting of this version"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(key: str, value: Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(GOOD | {key: value})
    assert set(caught.value.faults) == {key}
    assert words in caught.value.faults[key]


def test_all_faults_come_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(GOOD | {"GCAL_POLL_SECONDS": 0, "GCAL_PUBLIC_URL": "x", "GCAL_HORIZON_DAYS": -1})
    assert len(caught.value.faults) == 3


def test_text_from_the_environment_reads_as_mappings_lists_and_numbers() -> None:
    key = new_key()
    settings = load(
        GOOD
        | {
            "GCAL_TELEPHONY": '{"main": {"backend": "memory"}}',
            "GCAL_ENCRYPTION_KEYS": f"{key}, {new_key()}",
            "GCAL_POLL_SECONDS": "2",
        }
    )
    assert settings.telephony == {"main": {"backend": "memory"}}
    assert settings.encryption_keys[0] == key
    assert settings.poll_seconds == 2


def test_secrets_do_not_show_in_the_repr() -> None:
    shown = repr(load(GOOD | {"GCAL_METRICS_TOKEN": "canary-token"}))
    assert "canary-token" not in shown
    assert GOOD["GCAL_ENCRYPTION_KEYS"][0] not in shown


@pytest.mark.parametrize(
    "public, root, possible",
    [
        ("", "https://www.googleapis.com", False),
        ("https://portal.example", "https://www.googleapis.com", True),
        ("http://portal.example", "https://www.googleapis.com", False),
        ("http://127.0.0.1:8000", "https://www.googleapis.com", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000", True),
    ],
)
def test_push_needs_https_or_a_loopback_on_both_sides(
    public: str, root: str, possible: bool
) -> None:
    assert GcalSettings(public_url=public, google_api_root=root).push_possible is possible
