"""The JSON side of `/_control` that steers: clock, faults, settings, and what was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from .control_guard import Handler, guarded
from .model import Json
from .options import CHANGEABLE
from .server import Server


class Levers:
    """Handlers of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.state = server.state

    def routes(self) -> list[web.RouteDef]:
        """What is reachable where."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "clock", self.clock),
            ("POST", "clock", self.set_clock),
            ("GET", "faults", lambda *_: {"faults": self.server.faults.describe()}),
            ("POST", "faults", self.add_faults),
            ("DELETE", "faults", self.clear_faults),
            ("DELETE", "faults/{id}", self.remove_fault),
            ("GET", "settings", self.settings),
            ("POST", "settings", self.settings),
            ("GET", "log", self.log),
            ("DELETE", "log", self.clear_log),
            ("GET", "counters", self.counters),
            ("GET", "violations", lambda *_: {"violations": self.server.journal.violations}),
            ("DELETE", "violations", self.clear_violations),
            ("GET", "channels", self.channels),
            ("POST", "settle", self.settle),
        ]
        return [
            web.route(method, f"/_control/{path}", guarded(self.server, handler))
            for method, path, handler in table
        ]

    def clock(self, request: web.Request, body: Json) -> Json:
        """What time it is here."""
        clock = self.state.clock
        return {
            "now": clock.now().isoformat(),
            "frozen": clock.frozen,
            "offset_seconds": clock.offset.total_seconds(),
        }

    def set_clock(self, request: web.Request, body: Json) -> Json:
        """`{"now": ISO, "freeze": bool}`, `{"advance": seconds}` or `{"reset": true}`."""
        clock = self.state.clock
        if body.get("reset"):
            clock.reset()
        if "now" in body:
            clock.set(datetime.fromisoformat(body["now"]), freeze=bool(body.get("freeze")))
        elif "freeze" in body:
            clock.set(clock.now(), freeze=bool(body["freeze"]))
        if "advance" in body:
            clock.advance(float(body["advance"]))
        return self.clock(request, body)

    def add_faults(self, request: web.Request, body: Json) -> Json:
        """Put one rule, or `{"faults": [...]}`, in force."""
        given = body.get("faults", [body])
        return {"ids": [self.server.faults.add(one).id for one in given]}

    def clear_faults(self, request: web.Request, body: Json) -> Json:
        """Lift every rule."""
        self.server.faults.clear()
        return {"ok": True}

    def remove_fault(self, request: web.Request, body: Json) -> Json:
        """Lift one rule."""
        return {"ok": self.server.faults.remove(int(request.match_info["id"]))}

    def settings(self, request: web.Request, body: Json) -> Json:
        """Read the settings, or change some by name; quotas too."""
        options, quota = self.server.options, self.server.quota
        for name, value in body.items():
            if name in ("per_minute", "per_user_minute"):
                setattr(quota, name, int(value))
            elif name in CHANGEABLE:
                setattr(options, name, type(getattr(options, name))(value))
            else:
                raise ValueError(f"unknown setting {name}")
        shown: dict[str, Any] = {name: getattr(options, name) for name in CHANGEABLE}
        return {**shown, "per_minute": quota.per_minute, "per_user_minute": quota.per_user_minute}

    def log(self, request: web.Request, body: Json) -> Json:
        """The last requests; `?since=NUMBER` and `?endpoint=NAME` narrow it down."""
        since = int(request.query.get("since", "0"))
        name = request.query.get("endpoint", "")
        found = [
            one
            for one in self.server.journal.entries
            if one["number"] > since and (not name or one["endpoint"] == name)
        ]
        return {"requests": found}

    def clear_log(self, request: web.Request, body: Json) -> Json:
        """Forget log and counters."""
        self.server.journal.clear()
        self.server.quota.peak = 0
        return {"ok": True}

    def counters(self, request: web.Request, body: Json) -> Json:
        """Requests per endpoint, per status, per reason; the busiest minute."""
        return {**self.server.journal.counters(), "peak_minute": self.server.quota.peak}

    def clear_violations(self, request: web.Request, body: Json) -> Json:
        """Forget the violations."""
        self.server.journal.violations.clear()
        return {"ok": True}

    def channels(self, request: web.Request, body: Json) -> Json:
        """The push channels, and the last deliveries."""
        return {
            "channels": [
                {
                    "id": one.id,
                    "calendar": one.calendar,
                    "account": one.email,
                    "address": one.address,
                    "resourceId": one.resource_id,
                    "expires": one.expires,
                }
                for one in self.state.channels.values()
            ],
            "delivered": self.server.pusher.delivered,
        }

    async def settle(self, request: web.Request, body: Json) -> Json:
        """Wait (at most `seconds`, 10) until all notifications and security events are out."""
        return {"pending": await self.server.pusher.settle(float(body.get("seconds", 10)))}
