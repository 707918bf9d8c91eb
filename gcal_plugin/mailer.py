"""The mail sender that ships: Flask-Mailman, by the host's own `MAIL_*` settings.

A host with a sender of its own passes any object with the promise of `ports.Mailer` instead.
"""

from __future__ import annotations

import smtplib
from contextlib import closing
from typing import TYPE_CHECKING

from .ports import Mail, MailRefused
from .settings import GcalSettings

if TYPE_CHECKING:
    from flask import Flask

_TIMEOUT_SECONDS = 15


class FlaskMailer:
    """Sends through Flask-Mailman; makes its extension where the host has not."""

    def __init__(self, app: Flask, settings: GcalSettings) -> None:
        self._app = app
        self._sender = settings.mail_sender or settings.support_email

    def send(self, mail: Mail) -> None:
        """Send one letter; raises MailRefused, permanent where the address itself is refused."""
        try:
            from flask_mailman import EmailMultiAlternatives
            from flask_mailman import Mail as Mailman
        except ImportError:
            raise MailRefused(
                "no mail sender: install the extra `mail`, or pass GCalPlugin(mailer=...)"
            ) from None
        with self._app.app_context():
            if "mailman" not in self._app.extensions:
                self._app.config.setdefault("MAIL_TIMEOUT", _TIMEOUT_SECONDS)
                Mailman(self._app)
            letter = EmailMultiAlternatives(
                subject=mail.subject,
                body=mail.text,
                from_email=mail.sender or self._sender or None,
                to=list(mail.to),
                reply_to=[mail.reply_to] if mail.reply_to else None,
                headers=dict(mail.headers),
            )
            if mail.html:
                letter.attach_alternative(mail.html, "text/html")
            # Flask-Mailman leaves its connection open where the server refuses; ours is closed.
            connection = letter.connection = letter.get_connection()
            try:
                with closing(connection):
                    connection.open()
                    letter.send()
            except smtplib.SMTPRecipientsRefused as error:
                codes = [code for code, _ in error.recipients.values()]
                text = "; ".join(f"{code} {_text(why)}" for code, why in error.recipients.values())
                raise MailRefused(text, permanent=all(code >= 500 for code in codes)) from None
            except smtplib.SMTPResponseException as error:
                text = f"{error.smtp_code} {_text(error.smtp_error)}"
                # A wrong password can be mended without losing the letter.
                refused = error.smtp_code >= 500 and not isinstance(
                    error, smtplib.SMTPAuthenticationError
                )
                raise MailRefused(text, permanent=refused) from None
            except (OSError, smtplib.SMTPException) as error:
                raise MailRefused(f"{type(error).__name__}: {error}") from None
            except ValueError as error:
                # A header with a line end in it, or an address that is none.
                raise MailRefused(f"not a letter: {error}", permanent=True) from None


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
