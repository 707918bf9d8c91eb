"""`init_app`: the one file that sees every room and binds them.

Settings are checked first and all their faults told together; nothing talks to the network, the
queue or an exchange while the application starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from redis import Redis
from sqlalchemy.orm import Session

from .google.calendar import GoogleCalendars
from .google.governed import GovernedCalendars
from .google.governor import Governor, Quota
from .google.metadata import Metadata
from .google.oauth import GoogleOAuth
from .google.push_address import ask_hook
from .google.security_events import GoogleSecurityEvents
from .jobs import progress
from .jobs.states import queue_states
from .ports import CalendarSource, Mailer, OAuthPort, Portal, Telephony, Wake
from .services.runtime import Runtime
from .settings import GcalSettings, SettingsError, load
from .store.crypto import Keyring
from .store.store import Store
from .telephony.faults import ConfigFaults
from .telephony.registry import build_all

if TYPE_CHECKING:
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy


class GCalPlugin:
    """Mounts calendar-driven call forwarding in a Flask portal.

    `portal` answers who is logged in and what they own. The other arguments replace a neighbour
    with another of the same promises (see `ports`): the host's own mail sender, an exchange built
    in code, a clock that a test moves.
    """

    def __init__(
        self,
        portal: Portal,
        *,
        mailer: Mailer | None = None,
        telephony: Mapping[str, Telephony] | None = None,
        oauth: OAuthPort | None = None,
        calendars: CalendarSource | None = None,
        wake: Wake | None = None,
        clock: Callable[[Session], datetime] | None = None,
    ) -> None:
        self._portal = portal
        self._mailer = mailer
        self._telephony = telephony
        self._oauth = oauth
        self._calendars = calendars
        self._wake = wake
        self._clock = clock

    def init_app(
        self, app: Flask, db: SQLAlchemy, *, url_prefix: str = "/google-calendar"
    ) -> Runtime:
        """Check the settings, bind the rooms, mount pages and commands; answers the runtime.

        Raises `SettingsError` with every wrong setting, and a theme's own error by its name.
        """
        if "gcal" in app.extensions:
            raise RuntimeError("the plugin is mounted in this application already")
        settings, exchanges = self._settings(app.config)
        redis = connect_redis(settings)
        metadata = Metadata(settings.google_metadata_url, timeout=settings.google_timeout_seconds)
        governor = Governor(
            redis,
            Quota(
                per_project=settings.google_quota_per_minute,
                per_user=settings.google_user_quota_per_minute,
            ),
        )
        runtime = Runtime(
            settings=settings,
            store=Store(db, Keyring(settings.encryption_keys), self._clock),
            portal=self._portal,
            telephony=exchanges,
            oauth=self._oauth
            or GoogleOAuth(
                metadata, scopes=settings.scopes, timeout=settings.google_timeout_seconds
            ),
            calendars=self._calendars
            or GovernedCalendars(
                GoogleCalendars(settings.google_api_root, timeout=settings.google_timeout_seconds),
                governor,
            ),
            wake=self._wake or _wake(redis),
            mailer=self._mailer or _mailer(app, settings),
            url_prefix=url_prefix,
            extras={
                "governor": governor,
                "redis": redis,
                "security_events": _security_events(settings),
                "check_google": lambda: metadata.endpoint("authorization_endpoint"),
                "check_push": partial(ask_hook, timeout=settings.google_timeout_seconds),
                "queue_states": lambda: queue_states(redis),
                "commands": lambda: progress.commands(redis),
                "quota_use": governor.use,
            },
        )
        app.extensions["gcal"] = runtime
        from .cli import CommandsOnDemand
        from .services import pulling
        from .web.blueprint import mount

        mount(app, runtime)
        if settings.pull_tokens:
            pulling.prepare()
        app.cli.add_command(CommandsOnDemand())
        return runtime

    def _settings(self, config: Mapping[str, Any]) -> tuple[GcalSettings, Mapping[str, Telephony]]:
        """Settings and exchanges; a fault in either is told together with the others."""
        faults: dict[str, str] = {}
        settings: GcalSettings | None = None
        exchanges: Mapping[str, Telephony] = self._telephony or {}
        given = dict(config)
        if self._telephony is not None:
            given.setdefault("GCAL_TELEPHONY", {name: {} for name in self._telephony})
        try:
            settings = load(given)
        except SettingsError as error:
            faults |= error.faults
        if self._telephony is None and "GCAL_TELEPHONY" not in faults:
            try:
                exchanges = build_all(settings.telephony if settings else _exchanges_of(config))
            except ConfigFaults as error:
                faults |= {fault.key: fault.message for fault in error.faults}
        if faults or settings is None:
            raise SettingsError(faults)
        return settings, exchanges


def _exchanges_of(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The exchanges of a config whose other settings are wrong."""
    return GcalSettings(telephony=config["GCAL_TELEPHONY"]).telephony


def connect_redis(settings: GcalSettings) -> Redis:
    """A lazy client with short time-outs and no retries: a page never waits for a hung Redis."""
    from .jobs.connection import connect

    return connect(settings.redis_url)


def _security_events(settings: GcalSettings) -> GoogleSecurityEvents:
    return GoogleSecurityEvents(
        Metadata(settings.google_risc_metadata_url, timeout=settings.google_timeout_seconds),
        service_account=settings.risc_service_account or None,
        timeout=settings.google_timeout_seconds,
    )


def _wake(redis: Redis) -> Wake:
    from .jobs.queue import RqWake

    return RqWake(redis)


def _mailer(app: Flask, settings: GcalSettings) -> Mailer:
    from .mailer import FlaskMailer

    return FlaskMailer(app, settings)
