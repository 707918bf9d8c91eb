"""The mail's way out: the host's own sender, or the one that ships."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter ready to send: a text part always, an HTML part where the theme has one."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    sender: str = ""
    reply_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class MailRefused(Exception):
    """The letter did not go out. `permanent` where trying again cannot help (address refused)."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Mailer(Protocol):
    """Sends one letter or raises `MailRefused`."""

    def send(self, mail: Mail) -> None: ...
