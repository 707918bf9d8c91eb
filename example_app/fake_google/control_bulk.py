"""Control calls that are about many at once, or about security events."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from aiohttp import web

from . import editing
from .control import DEFAULT_SCOPES
from .control_guard import guarded
from .grants import allow, canonical, new_refresh_token
from .model import Calendar, Json
from .people import new_account
from .risc import EVENT_TYPES
from .risc_api import RiscApi
from .seed import CLIENT_ID
from .server import Server


class BulkControl:
    """Fast seeding for benchmarks, and the RISC transmitter's levers."""

    def __init__(self, server: Server, risc: RiscApi) -> None:
        self.server = server
        self.state = server.state
        self.risc = risc

    def routes(self) -> list[web.RouteDef]:
        """What is reachable where."""
        table = [
            ("POST", "bulk", self.fill),
            ("POST", "bulk/events", self.touch),
            ("POST", "risc/emit", self.emit),
            ("GET", "risc/sent", lambda *_: {"sent": self.server.transmitter.sent}),
            ("GET", "risc/service-account", lambda *_: self.risc.service_account()),
        ]
        return [
            web.route(method, f"/_control/{path}", guarded(self.server, handler))
            for method, path, handler in table
        ]

    def fill(self, request: web.Request, body: Json) -> Json:
        """Many accounts, each with a calendar of its own, a grant and tokens, in one call.

        `count` (how many), `prefix` ("bulk"), `start` (first number, 0), `client`, `scopes`,
        `events` (how many one-hour events each gets, tomorrow and on), `summary` of those.
        Answers `rows`: account, sub, calendar, refresh_token, access_token, expires_at.
        """
        prefix, first = body.get("prefix", "bulk"), int(body.get("start", 0))
        client = self.state.clients[body.get("client", CLIENT_ID)]
        scopes = canonical(body.get("scopes", DEFAULT_SCOPES))
        rows = []
        for number in range(first, first + int(body["count"])):
            email = f"{prefix}-{number}@bulk.example"
            account = self.state.accounts.get(email) or new_account(self.state, email)
            grant = allow(self.server, account, client, scopes)
            access = self.state.new_access(grant, scopes, self.server.options.access_seconds)
            self._events(self.state.calendars[email], body)
            rows.append(
                {
                    "account": email,
                    "sub": account.sub,
                    "calendar": email,
                    "refresh_token": new_refresh_token(self.server, grant),
                    "access_token": access.token,
                    "expires_at": access.expires,
                }
            )
        return {"rows": rows}

    def _events(self, calendar: Calendar, body: Json) -> None:
        start = self.state.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
        for number in range(int(body.get("events", 0))):
            begin = start + timedelta(hours=2 * number)
            editing.insert(
                self.state,
                calendar,
                calendar.owner,
                {
                    "summary": body.get("summary", "0612345678"),
                    "start": {"dateTime": begin.isoformat()},
                    "end": {"dateTime": (begin + timedelta(hours=1)).isoformat()},
                },
            )

    def touch(self, request: web.Request, body: Json) -> Json:
        """One change in each of many calendars: `calendars` (ids), or `prefix` with `count`.

        The first live single event gets `summary` (or a counted title); a calendar without one
        gets a new event.
        """
        if "calendars" in body:
            chosen = [self.state.calendars[name] for name in body["calendars"]]
        else:
            named = (
                calendar
                for name, calendar in self.state.calendars.items()
                if name.startswith(body["prefix"])
            )
            chosen = list(islice(named, int(body["count"])))
        for calendar in chosen:
            title = body.get("summary", f"0612{calendar.seq % 1_000_000:06d}")
            live = next(
                (
                    one
                    for one in calendar.events.values()
                    if not one.cancelled and "recurrence" not in one.body
                ),
                None,
            )
            if live is None:
                self._events(calendar, {"events": 1, "summary": title})
            else:
                editing.patch(self.state, calendar, live.id, {"summary": title})
        return {"touched": len(chosen)}

    def emit(self, request: web.Request, body: Json) -> Json:
        """Send a security event by hand.

        `event`: token-revoked (with `refresh_token` and `algorithm`: prefix or
        hash_base64_sha512_sha512), or any other kind (with `account`).  `claims` replace claims
        (`kid` the header's), to make wrong ones.  `send` false only answers the token;
        `token` sends a given token again.
        """
        transmitter = self.server.transmitter
        if "token" in body:
            transmitter.send(body["token"])
            return {"token": body["token"]}
        name = body["event"]
        if name == "token-revoked":
            subject = transmitter.token_subject(
                body["refresh_token"], body.get("algorithm", "hash_base64_sha512_sha512")
            )
        elif name == "verification":
            subject = {"state": body.get("state", "")}
        else:
            subject = transmitter.account_subject(self.state.accounts[body["account"]])
        events = {EVENT_TYPES[name]: {**subject, **body.get("details", {})}}
        token = transmitter.sign(events, **body.get("claims", {}))
        if body.get("send", True):
            transmitter.send(token)
        return {"token": token}
