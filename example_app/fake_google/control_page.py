"""The switchboard as a page: the same levers as the JSON calls, for people."""

from __future__ import annotations

import json

from aiohttp import web

from .control_guard import guard
from .faults import KINDS
from .html import page
from .model import Json
from .server import Server


class ControlPage:
    """Handlers of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def routes(self) -> list[web.RouteDef]:
        """What is reachable where."""
        return [
            web.get("/_control/", self.show),
            web.post("/_control/page/faults", self.add),
            web.post("/_control/page/faults/remove", self.remove),
            web.post("/_control/page/clock", self.clock),
            web.post("/_control/page/accounts", self.account),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The rules in force, the clock, the counters."""
        guard(self.server, request)
        return self._page(request)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Put a rule in force."""
        guard(self.server, request)
        given = {name: str(value) for name, value in (await request.post()).items()}
        try:
            options = json.loads(given.get("options") or "{}")
            if not isinstance(options, dict):
                raise TypeError("the options are not a JSON object")
            rule: Json = {
                "kind": given.get("kind", ""),
                "endpoint": given.get("endpoint") or "*",
                "account": given.get("account") or "*",
                "options": options,
            }
            if given.get("count"):
                rule["count"] = int(given["count"])
            self.server.faults.add(rule)
        except (ValueError, TypeError) as error:
            return self._page(request, wrong=str(error))
        return web.HTTPSeeOther("/_control/")

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Lift one rule, or (without a number) all."""
        guard(self.server, request)
        number = str((await request.post()).get("rule", ""))
        if number.isdigit():
            self.server.faults.remove(int(number))
        else:
            self.server.faults.clear()
        return web.HTTPSeeOther("/_control/")

    async def clock(self, request: web.Request) -> web.StreamResponse:
        """Put the clock forward, or right again."""
        guard(self.server, request)
        seconds = str((await request.post()).get("seconds", ""))
        if seconds.lstrip("-").isdigit():
            self.server.state.clock.advance(int(seconds))
        else:
            self.server.state.clock.reset()
        return web.HTTPSeeOther("/_control/")

    async def account(self, request: web.Request) -> web.StreamResponse:
        """Disable or enable an account, or end its access tokens."""
        guard(self.server, request)
        form = await request.post()
        state = self.server.state
        account = state.accounts.get(str(form.get("account", "")))
        if account is None:
            raise web.HTTPNotFound(text="There is no such account.")
        if form.get("action") == "expire":
            for access in list(state.access_tokens.values()):
                if access.email == account.email:
                    state.drop_access(access)
        else:
            account.disabled = form.get("action") == "disable"
            state.save_account(account)
            event = "account-disabled" if account.disabled else "account-enabled"
            self.server.transmitter.account_event(event, account)
        state.storage.flush()
        return web.HTTPSeeOther("/_control/")

    def _page(self, request: web.Request, wrong: str = "") -> web.StreamResponse:
        clock = self.server.state.clock
        return page(
            request,
            "control.html",
            status=400 if wrong else 200,
            rules=self.server.faults.rules,
            kinds=sorted(KINDS),
            now=clock.now().isoformat(timespec="seconds"),
            changed=clock.frozen or bool(clock.offset),
            counters=sorted(self.server.journal.statuses.items()),
            violations=len(self.server.journal.violations),
            accounts=list(self.server.state.accounts.values())[:50],
            wrong=wrong,
        )
