"""Google, the plugin and an exchange in one small world whose time a test moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.google.governed import GovernedCalendars
from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.google.metadata import Metadata
from gcal_plugin.google.oauth import GoogleOAuth
from gcal_plugin.google.security_events import GoogleSecurityEvents
from gcal_plugin.ports import CalendarSource, Line
from gcal_plugin.services import grant_tokens, switching, syncing
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.services.sync_report import SyncReport
from gcal_plugin.store.tables import Calendar, Forwarding, Grant, Link, WindowRow
from gcal_plugin.telephony.exchange import MemoryExchange
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.support.runtime import NotedWake, make_runtime

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=AMSTERDAM)
"""When a world begins, unless the test says otherwise."""
DOMAIN = "bakkerij.example"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
_QUOTA = Quota(per_user=6000)
"""Tests ask for one person faster than a process alone may."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the headers of a notification say."""

    channel_id: str
    token: str
    resource_state: str
    resource_id: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """The ids of a link that has everything."""

    id: UUID
    grant_id: UUID
    calendar_id: UUID
    extension: str
    domain: str = DOMAIN


class World:
    """One tenant's links; `now` is everybody's clock: the database's, Google's and the test's."""

    app: Flask
    heard: list[Message]
    """Every notification that arrived."""

    def __init__(
        self, db: SQLAlchemy, google: LocalGoogle, *, now: datetime = MONDAY, **settings: Any
    ) -> None:
        self.db = db
        self.google = google
        self.settings = settings
        self.heard = []
        self._people: set[str] = set()
        self.exchange = MemoryTelephony("main", MemoryExchange(clock=lambda: self.now))
        self.rt = self._runtime()
        self.at(now)

    def _runtime(self) -> Runtime:
        rt = make_runtime(
            self.db,
            self.google.url,
            telephony={"main": self.exchange},
            clock=self._clock,
            **self.settings,
        )
        oauth = GoogleOAuth(
            Metadata(rt.settings.google_metadata_url),
            scopes=rt.settings.scopes,
            timeout=rt.settings.google_timeout_seconds,
            clock=self.unix,
        )
        calendars = GovernedCalendars(rt.calendars, Governor(None, _QUOTA))
        security = GoogleSecurityEvents(
            Metadata(rt.settings.google_risc_metadata_url),
            service_account=self.google.service_account(),
            clock=self.unix,
        )
        return replace(rt, oauth=oauth, calendars=calendars, extras={"security_events": security})

    def configure(self, **settings: Any) -> None:
        """Go on with other settings; the keys stay."""
        self.close()
        keyring = self.rt.store.keyring
        self.settings |= settings
        self.rt = self._runtime()
        self.rt.store.keyring = keyring

    def close(self) -> None:
        """End the threads and connections of this world."""
        syncing.close(self.rt)
        if isinstance(self.rt.calendars, GovernedCalendars):
            self.rt.calendars.close()

    # -- time ----------------------------------------------------------------------------------

    def _clock(self, session: Session) -> datetime:
        return self.now

    def unix(self) -> float:
        return self.now.timestamp()

    def at(self, moment: datetime) -> None:
        """Make it that moment, for Google too."""
        self.now = moment.astimezone(UTC)
        self.google.clock(now=self.now.isoformat(), freeze=True)

    def later(self, step: timedelta) -> None:
        """Let time pass."""
        self.at(self.now + step)

    # -- people, calendars, links --------------------------------------------------------------

    def link(
        self,
        email: str = "jan@gmail.example",
        calendar: str | None = None,
        extension: str = "200",
        **given: Any,
    ) -> Linked:
        """An extension linked to a calendar (the account's own, unless named)."""
        self.account(email)
        google_id = calendar or email
        keyring = self.rt.store.keyring
        with self.rt.store.begin() as session:
            grant = session.scalar(sa.select(Grant).where(Grant.email == email))
            if grant is None:
                tokens = self.google.grant(email)
                grant = Grant(
                    client_id=self.google.client_id,
                    subject=tokens["sub"],
                    email=email,
                    state="live",
                    created_at=self.now - HOUR,
                    consented_at=self.now - HOUR,
                )
                session.add(grant)
                session.flush()
                grant_tokens.put_refresh_token(keyring, grant, tokens["refresh_token"])
            found = session.scalar(
                sa.select(Calendar).where(
                    Calendar.grant_id == grant.id, Calendar.google_id == google_id
                )
            )
            if found is None:
                found = Calendar(
                    grant_id=grant.id,
                    google_id=google_id,
                    time_zone="Europe/Amsterdam",
                    next_sync_at=self.now,
                )
                session.add(found)
                session.flush()
            values = {
                "tenant_id": "bel",
                "account_id": "jan",
                "pbx": "main",
                "domain": DOMAIN,
                "extension": extension,
                "state": "linked",
                "grant_id": grant.id,
                "calendar_id": found.id,
                "created_at": self.now,
                "linked_at": self.now,
            }
            link = Link(**(values | given))
            session.add(link)
            session.flush()
            session.add(
                Forwarding(
                    link_id=link.id,
                    tenant_id=link.tenant_id,
                    pbx=link.pbx,
                    domain=link.domain,
                    extension=link.extension,
                    due_at=self.now,
                )
            )
            return Linked(link.id, grant.id, found.id, extension)

    def account(self, email: str) -> None:
        """Have such a person at Google."""
        if email not in self._people:
            self.google.add_account(email, timeZone="Europe/Amsterdam")
            self._people.add(email)

    def event(
        self,
        title: str | None,
        start: datetime | str,
        end: datetime | str,
        calendar: str = "jan@gmail.example",
        **given: Any,
    ) -> str:
        """Make an event in a calendar at Google; answers its id."""
        if "recurrence" in given and isinstance(start, datetime) and isinstance(end, datetime):
            body = self.google.control(
                "POST",
                f"calendars/{calendar}/events",
                {"summary": title, "start": _zoned(start), "end": _zoned(end), **given},
            )
        else:
            body = self.google.add_event(calendar, title or "", start, end, **given)
        return str(body["id"])

    # -- what happens --------------------------------------------------------------------------

    def calendar_of(self, link: Linked) -> Calendar:
        with self.rt.store.begin() as session:
            found = session.get(Calendar, link.calendar_id, populate_existing=True)
            assert found is not None
            session.expunge(found)
            return found

    def grant_of(self, link: Linked) -> Grant:
        with self.rt.store.begin() as session:
            found = session.get(Grant, link.grant_id, populate_existing=True)
            assert found is not None
            session.expunge(found)
            return found

    def secret_of(self, link: Linked) -> str:
        """The link's refresh token in clear."""
        token = grant_tokens.refresh_token_of(self.rt.store.keyring, self.grant_of(link))
        assert token is not None
        return token

    def fresh(self, link: Linked) -> Link:
        """The link as it is stored now."""
        with self.rt.store.begin() as session:
            found = session.get(Link, link.id, populate_existing=True)
            assert found is not None
            session.expunge(found)
            return found

    def sync(self, *links: Linked) -> SyncReport:
        """Fetch these links' calendars, a moment after the last time."""
        self.later(timedelta(seconds=2))
        return syncing.sync_calendars(self.rt, {link.calendar_id for link in links})

    def rings(self, link: Linked) -> set[str]:
        """Who rings now, after whatever is due was switched; empty means the own phone."""
        for batch in switching.due_batches(self.rt, timedelta(0)):
            switching.switch_batch(self.rt, batch.pbx, batch.link_ids, batch.due_at)
        held = self.exchange.read(Line(link.domain, link.extension))
        return {destination.value for destination in held.destinations}

    def revision(self, link: Linked) -> int:
        """How many sets the exchange took for this line."""
        return self.exchange.read(Line(link.domain, link.extension)).revision

    def rows(self, link: Linked, *, history: bool = False) -> list[WindowRow]:
        """The stored windows of a link's calendar, by start."""
        with self.rt.store.begin() as session:
            query = sa.select(WindowRow).where(WindowRow.calendar_id == link.calendar_id)
            if not history:
                query = query.where(WindowRow.replaced_at.is_(None))
            found = list(session.scalars(query.order_by(WindowRow.start_at, WindowRow.id)))
            session.expunge_all()
            return found

    def values(self, link: Linked) -> list[str | None]:
        """The recognised destinations of the current windows, by start."""
        return [row.value for row in self.rows(link)]

    @property
    def bare(self) -> CalendarSource:
        """Google without the governor before it."""
        assert isinstance(self.rt.calendars, GovernedCalendars)
        return self.rt.calendars.source

    @property
    def wake(self) -> NotedWake:
        assert isinstance(self.rt.wake, NotedWake)
        return self.rt.wake

    def due_again(self, calendar_id: UUID) -> None:
        """Have a calendar's window listed anew at the next sync."""
        with self.rt.store.begin() as session:
            session.execute(
                sa.update(Calendar).where(Calendar.id == calendar_id).values(relist_at=self.now)
            )

    def asked(self, endpoint: str = "events.list") -> list[dict[str, Any]]:
        """What Google was asked since `forget_asked`."""
        return self.google.requests(endpoint)

    def forget_asked(self) -> None:
        self.google.clear_log()


def _zoned(moment: datetime) -> dict[str, str]:
    """An instant with a zone by name, which a series needs."""
    return {"dateTime": moment.isoformat(), "timeZone": "Europe/Amsterdam"}
