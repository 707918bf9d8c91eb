"""The JSON side of `/_control` that seeds: accounts, calendars, events, grants."""

from __future__ import annotations

from aiohttp import web

from . import editing
from .control_guard import Handler, guarded
from .grants import allow, canonical, new_refresh_token, revoke_grant
from .model import ROLES, Account, Calendar, Client, Json
from .options import CHANGEABLE, Options
from .people import new_account, new_calendar
from .seed import CLIENT_ID, seed
from .server import Server

DEFAULT_SCOPES = (
    "openid email https://www.googleapis.com/auth/calendar.calendarlist.readonly "
    "https://www.googleapis.com/auth/calendar.events.readonly"
)


class Control:
    """Handlers that seed and show the state of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.state = server.state

    def routes(self) -> list[web.RouteDef]:
        """What is reachable where."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "state", self.show),
            ("POST", "reset", self.reset),
            ("POST", "accounts", self.add_account),
            ("PATCH", "accounts/{email}", self.change_account),
            ("DELETE", "accounts/{email}", self.delete_account),
            ("PUT", "accounts/{email}/calendars/{calendar}", self.change_entry),
            ("POST", "clients", self.add_client),
            ("POST", "calendars", self.add_calendar),
            ("PATCH", "calendars/{calendar}", self.change_calendar),
            ("DELETE", "calendars/{calendar}", self.delete_calendar),
            ("PUT", "calendars/{calendar}/acl/{email}", self.set_role),
            ("POST", "calendars/{calendar}/expire-sync-tokens", self.expire_sync_tokens),
            ("GET", "calendars/{calendar}/events", self.list_events),
            ("POST", "calendars/{calendar}/events", self.add_event),
            ("PATCH", "calendars/{calendar}/events/{event}", self.patch_event),
            ("DELETE", "calendars/{calendar}/events/{event}", self.delete_event),
            ("POST", "grants", self.add_grant),
            ("DELETE", "grants", self.delete_grant),
            ("POST", "expire-access-tokens", self.expire_access_tokens),
        ]
        return [
            web.route(method, f"/_control/{path}", guarded(self.server, handler))
            for method, path, handler in table
        ]

    # -- finding ---------------------------------------------------------------------------------

    def account(self, email: str) -> Account:
        """A known account; KeyError otherwise."""
        return self.state.accounts[email]

    def calendar(self, request: web.Request) -> Calendar:
        """The calendar in the path; KeyError otherwise."""
        return self.state.calendars[request.match_info["calendar"]]

    # -- seeding ---------------------------------------------------------------------------------

    def show(self, request: web.Request, body: Json) -> Json:
        """What there is, in numbers and names."""
        return {
            "accounts": [
                {
                    "email": one.email,
                    "sub": one.sub,
                    "disabled": one.disabled,
                    "calendars": list(one.entries),
                }
                for one in list(self.state.accounts.values())[:1_000]
            ],
            "calendars": len(self.state.calendars),
            "clients": list(self.state.clients),
            "grants": [
                {
                    "account": email,
                    "client": client,
                    "scopes": grant.scopes,
                    "refresh_tokens": len(grant.refresh_tokens),
                }
                for (email, client), grant in list(self.state.grants.items())[:1_000]
            ],
            "channels": len(self.state.channels),
        }

    def reset(self, request: web.Request, body: Json) -> Json:
        """Begin again, with `{"seed": "demo"|"empty"}`; rules, settings, log and clock too."""
        plain = Options()
        for name in CHANGEABLE:
            if name != "check_schema":
                setattr(self.server.options, name, getattr(plain, name))
        self.server.quota.clear()
        self.state.clear()
        self.server.faults.clear()
        self.server.journal.clear()
        self.server.pusher.forget()
        self.server.transmitter.sent.clear()
        self.state.clock.reset()
        seed(self.state, body.get("seed", "empty"))
        return {"ok": True}

    def add_account(self, request: web.Request, body: Json) -> Json:
        """An account with its primary calendar: `email`, `name`, `timeZone`."""
        account = self.state.accounts.get(body["email"]) or new_account(
            self.state, body["email"], body.get("name", ""), body.get("timeZone", "")
        )
        return {"email": account.email, "sub": account.sub, "name": account.name}

    def change_account(self, request: web.Request, body: Json) -> Json:
        """Disable or enable an account; `disabled` kills its tokens and tells by RISC."""
        account = self.account(request.match_info["email"])
        if "disabled" in body:
            account.disabled = bool(body["disabled"])
            event = "account-disabled" if account.disabled else "account-enabled"
            details = {"reason": body["reason"]} if "reason" in body else {}
            self.server.transmitter.account_event(event, account, **details)
        account.name = body.get("name", account.name)
        self.state.save_account(account)
        return {"email": account.email, "disabled": account.disabled}

    def delete_account(self, request: web.Request, body: Json) -> Json:
        """Close an account, with its grants and the calendars it owns."""
        account = self.account(request.match_info["email"])
        if body.get("tell", True):
            self.server.transmitter.account_event("account-disabled", account)
        self.state.delete_account(account)
        return {"ok": True}

    def change_entry(self, request: web.Request, body: Json) -> Json:
        """A calendar's place on a list: `hidden`, `selected`, `deleted`, `summaryOverride`."""
        account = self.account(request.match_info["email"])
        names = {
            "hidden": "hidden",
            "selected": "selected",
            "deleted": "deleted",
            "summaryOverride": "summary_override",
        }
        changes = {names[name]: value for name, value in body.items()}
        self.state.list_calendar(account, self.calendar(request), **changes)
        return {"ok": True}

    def add_client(self, request: web.Request, body: Json) -> Json:
        """An OAuth client: `id`, `secret`, `name`, `redirect_uris`, `loopback`."""
        client = Client(
            body["id"],
            body["secret"],
            str(body.get("name") or body["id"]),
            list(body.get("redirect_uris", [])),
            bool(body.get("loopback", False)),
            bool(body.get("require_pkce", True)),
        )
        self.state.save_client(client)
        return {"id": client.id}

    def add_calendar(self, request: web.Request, body: Json) -> Json:
        """A calendar: `id`, `owner`, `summary`, `timeZone`, `acl` {email: role}, `push`."""
        owner = self.account(body["owner"]) if body.get("owner") else None
        acl = {str(email): _role(role) for email, role in body.get("acl", {}).items()}
        calendar = new_calendar(
            self.state,
            owner,
            body["id"],
            str(body.get("summary") or body["id"]),
            zone=body.get("timeZone", ""),
            acl=acl,
            push=bool(body.get("push", True)),
            description=body.get("description", ""),
        )
        return {"id": calendar.id}

    def change_calendar(self, request: web.Request, body: Json) -> Json:
        """Change `summary`, `timeZone` or `push`; watchers hear of it."""
        calendar = self.calendar(request)
        calendar.summary = body.get("summary", calendar.summary)
        calendar.time_zone = body.get("timeZone", calendar.time_zone)
        calendar.push = bool(body.get("push", calendar.push))
        self.state.save_calendar(calendar)
        self.state.changed(calendar)
        return {"id": calendar.id}

    def delete_calendar(self, request: web.Request, body: Json) -> Json:
        """Take a calendar away from everybody."""
        self.state.delete_calendar(self.calendar(request))
        return {"ok": True}

    def set_role(self, request: web.Request, body: Json) -> Json:
        """Change what an account may see: `{"role": ...}`; `keep_tokens` spares sync tokens."""
        calendar, email = self.calendar(request), request.match_info["email"]
        role = _role(body["role"])
        calendar.acl[email] = role
        if not body.get("keep_tokens"):
            calendar.epoch += 1
        self.state.save_calendar(calendar)
        if reader := self.state.accounts.get(email):
            self.state.list_calendar(reader, calendar, deleted=role == "none")
        self.state.changed(calendar)
        return {"calendar": calendar.id, "account": email, "role": role}

    def expire_sync_tokens(self, request: web.Request, body: Json) -> Json:
        """Make every sync token of a calendar worthless (410 at its next use)."""
        calendar = self.calendar(request)
        calendar.epoch += 1
        self.state.save_calendar(calendar)
        return {"ok": True}

    def list_events(self, request: web.Request, body: Json) -> Json:
        """The stored events as they are, deleted ones included."""
        return {"events": [event.body for event in self.calendar(request).events.values()]}

    def add_event(self, request: web.Request, body: Json) -> Json:
        """One event in Google's shape, or many as `{"events": [...]}`; any field goes."""
        calendar = self.calendar(request)
        given = body.get("events", [body])
        made = [
            editing.insert(self.state, calendar, calendar.owner or calendar.id, one).body
            for one in given
        ]
        return {"events": made} if "events" in body else made[0]

    def patch_event(self, request: web.Request, body: Json) -> Json:
        """Change an event as its owner would."""
        event_id = request.match_info["event"]
        return editing.patch(self.state, self.calendar(request), event_id, body).body

    def delete_event(self, request: web.Request, body: Json) -> Json:
        """Delete an event as its owner would."""
        editing.delete(self.state, self.calendar(request), request.match_info["event"])
        return {"ok": True}

    def add_grant(self, request: web.Request, body: Json) -> Json:
        """Consent without pages: `account`, `client`, `scopes`; answers fresh tokens."""
        account = self.account(body["account"])
        client = self.state.clients[body.get("client", CLIENT_ID)]
        scopes = canonical(body.get("scopes", DEFAULT_SCOPES))
        grant = allow(self.server, account, client, scopes)
        access = self.state.new_access(grant, scopes, self.server.options.access_seconds)
        return {
            "account": account.email,
            "sub": account.sub,
            "refresh_token": new_refresh_token(self.server, grant),
            "access_token": access.token,
            "expires_at": access.expires,
            "scope": " ".join(scopes),
        }

    def delete_grant(self, request: web.Request, body: Json) -> Json:
        """Take access back as the person would: `account`, `client`."""
        revoke_grant(self.server, self.state.grants[body["account"], body.get("client", CLIENT_ID)])
        return {"ok": True}

    def expire_access_tokens(self, request: web.Request, body: Json) -> Json:
        """End access tokens now, of one `account` or of all."""
        gone = [
            access
            for access in self.state.access_tokens.values()
            if body.get("account", access.email) == access.email
        ]
        for access in gone:
            self.state.drop_access(access)
        return {"expired": len(gone)}


def _role(name: str) -> str:
    if name not in ROLES:
        raise ValueError(f"unknown role {name!r}; known: {ROLES}")
    return name
