"""Tokens at rest open only where they were sealed, and only with a key of the ring."""

from __future__ import annotations

import base64

import pytest

from gcal_plugin.store.crypto import CannotOpen, Keyring, new_key, place

HERE = place("gcal_grant", "1", "refresh_token")


def test_what_was_sealed_opens_again() -> None:
    ring = Keyring([new_key()])
    assert ring.open(ring.seal("1//token", HERE), HERE) == "1//token"


def test_the_same_value_seals_differently_each_time() -> None:
    ring = Keyring([new_key()])
    assert ring.seal("same", HERE) != ring.seal("same", HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("gcal_grant", "2", "refresh_token"),
        place("gcal_grant", "1", "access_token"),
        place("gcal_consent", "1", "refresh_token"),
    ],
)
def test_a_value_copied_to_another_place_does_not_open(elsewhere: str) -> None:
    ring = Keyring([new_key()])
    with pytest.raises(CannotOpen):
        ring.open(ring.seal("1//token", HERE), elsewhere)


def test_a_changed_value_does_not_open() -> None:
    ring = Keyring([new_key()])
    version, key_id, body = ring.seal("1//token", HERE).split(".")
    raw = bytearray(base64.urlsafe_b64decode(body))
    raw[-1] ^= 1
    with pytest.raises(CannotOpen):
        ring.open(".".join((version, key_id, base64.urlsafe_b64encode(raw).decode())), HERE)


def test_the_newest_key_seals_and_older_ones_still_open() -> None:
    old, new = new_key(), new_key()
    sealed = Keyring([old]).seal("1//token", HERE)
    ring = Keyring([new, old])
    assert ring.open(sealed, HERE) == "1//token"
    assert ring.needs_rewrap(sealed)
    assert not ring.needs_rewrap(ring.seal("1//token", HERE))


def test_without_its_key_a_value_does_not_open_and_the_error_holds_no_secret() -> None:
    sealed = Keyring([new_key()]).seal("1//token", HERE)
    with pytest.raises(CannotOpen) as caught:
        Keyring([new_key()]).open(sealed, HERE)
    assert "1//token" not in str(caught.value)


def test_keys_of_both_base64_alphabets_are_one() -> None:
    raw = b"\xfb\xff" * 16
    standard, url = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert standard != url
    assert Keyring([url]).open(Keyring([standard]).seal("x", HERE), HERE) == "x"


def test_the_ring_shows_key_ids_only() -> None:
    key = new_key()
    assert key not in repr(Keyring([key]))
