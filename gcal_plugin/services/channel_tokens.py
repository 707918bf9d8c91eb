"""What proves a notification: a token that only Google was told, and that names its calendar.

We keep its digest. The token itself is a sealed note of the calendar, so that a message on a
channel whose row is lost (a restored database) still proves that the channel is ours.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from ..store.crypto import CannotOpen, Keyring, place


def new_token(keyring: Keyring, channel_id: str, calendar_id: UUID) -> str:
    """A token of about 100 characters (Google takes 256); no two are alike."""
    return keyring.seal(str(calendar_id), _place(channel_id))


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def calendar_of(keyring: Keyring, channel_id: str, token: str) -> UUID | None:
    """The calendar that a token of ours was made for; None for anybody else's."""
    try:
        return UUID(keyring.open(token, _place(channel_id)))
    except (CannotOpen, ValueError):  # somebody else's text need not even be base64
        return None


def _place(channel_id: str) -> str:
    return place("gcal_channel", channel_id, "token")
