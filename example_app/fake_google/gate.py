"""The way in and out of every JSON endpoint: token, scope, quota, faults, answer, record."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiohttp import web

from . import discovery, schema
from .errors import ApiError, bad_request, not_found, unauthorized
from .faults import REFUSALS, Fault, Target
from .fields import parse, select
from .model import AccessToken, Account, Calendar, Json
from .server import Server

_JSON = "application/json; charset=UTF-8"
_HTML = "<!DOCTYPE html><html><title>Error</title><p>That's an error. Please try again.</html>"
_GZIP_FROM = 860


@dataclass(slots=True)
class Call:
    """One authorized request to the Calendar API."""

    server: Server
    name: str
    account: Account
    access: AccessToken
    params: Mapping[str, str]
    path: Mapping[str, str]
    body: Json
    request: web.Request

    def calendar(self) -> tuple[Calendar, str]:
        """The calendar in the path and the account's role there; ApiError 404 without one."""
        named = self.path["calendar"]
        calendar = self.server.state.calendars.get(
            self.account.email if named == "primary" else named
        )
        role = calendar.role(self.account.email) if calendar else "none"
        if calendar is None or role == "none":
            raise not_found()
        return calendar, role

    def faults(self, *kinds: str) -> list[Fault]:
        """The rules of these kinds that act on this request."""
        return self.server.faults.take(self.target(), kinds)

    def target(self) -> Target:
        """What fault rules are matched against."""
        named = self.path.get("calendar", "")
        calendar = self.account.email if named == "primary" else named
        return Target(self.name, self.account.email, calendar, self.access.client_id)


Handler = Callable[[Call], Json | Awaitable[Json | None] | None]
_GENERAL = (
    *REFUSALS,
    "authError",
    "fullSyncRequired",
    "error",
    "latency",
    "hang",
    "reset",
    "truncate",
    "html",
)


def endpoint(
    server: Server, name: str, handler: Handler
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wrap a handler of the Calendar API method `name`, as in `events.list`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await _serve(server, name, handler, request)

    return handle


async def _serve(
    server: Server, name: str, handler: Handler, request: web.Request
) -> web.StreamResponse:
    access = bearer(server, request)
    path = request.match_info
    target = Target(
        name,
        access.email if access else "",
        _calendar_name(path.get("calendar", ""), access),
        access.client_id if access else "",
    )
    rules = server.faults.take(target, _GENERAL) if server.faults.rules else []
    reason = ""
    try:
        await strike(rules)
        call = await _admit(server, name, request, access)
        answer = handler(call)
        if isinstance(answer, Awaitable):
            answer = await answer
        status, payload, headers = _answer(server, name, request, answer)
    except ApiError as error:
        reason = error.reason
        status, headers = error.status, error.headers
        payload = json.dumps(error.body(), indent=1).encode()
    server.state.storage.flush()
    server.journal.record(
        name,
        status,
        method=request.method,
        path=request.path_qs,
        account=target.account,
        calendar=target.calendar,
        reason=reason,
    )
    return await send(request, rules, status, payload, headers)


def _calendar_name(named: str, access: AccessToken | None) -> str:
    return access.email if named == "primary" and access else named


def bearer(server: Server, request: web.Request) -> AccessToken | None:
    """The live access token that a request carries, if any."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        token = request.query.get("access_token", "")
    access = server.state.access_tokens.get(token.strip())
    if access and access.expires <= server.state.now().timestamp():
        server.state.drop_access(access)
        return None
    return access


async def _admit(
    server: Server, name: str, request: web.Request, access: AccessToken | None
) -> Call:
    account = server.state.accounts.get(access.email) if access else None
    if access is None or account is None or account.disabled:
        raise unauthorized()
    if discovery.scopes(name).isdisjoint(access.scopes):
        raise ApiError(
            *REFUSALS["insufficientPermissions"][:3],
            headers={
                "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", '
                'error="insufficient_scope"'
            },
        )
    if refused := server.quota.admit(account.email):
        status, reason, message, domain = REFUSALS[refused]
        raise ApiError(status, reason, message, domain=domain)
    body: Any = {}
    if request.method in ("POST", "PUT", "PATCH") and request.body_exists:
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            raise bad_request("Parse Error", reason="parseError") from None
        if not isinstance(body, dict):
            raise bad_request("Parse Error", reason="parseError")
    return Call(server, name, account, access, request.query, request.match_info, body, request)


async def strike(rules: list[Fault]) -> None:
    """Wait where a rule says so, and raise the first refusal."""
    for rule in rules:
        if rule.kind == "latency":
            await asyncio.sleep(float(rule.options.get("seconds", 1)))
        elif rule.kind == "hang":
            await asyncio.sleep(float(rule.options.get("seconds", 3_600)))
        elif error := rule.refusal():
            raise error


@lru_cache(maxsize=256)
def _selector(name: str, text: str) -> dict[str, Any]:
    chosen = parse(text)
    if unknown := schema.field_faults(chosen, discovery.response_schema(name)):
        raise bad_request(
            f"Invalid field selection {unknown[0]}", reason="invalidParameter", parameter="fields"
        )
    return chosen


def _answer(
    server: Server, name: str, request: web.Request, answer: Json | None
) -> tuple[int, bytes, dict[str, str]]:
    if answer is None:
        return 204, b"", {}
    headers = {"Cache-Control": "private, max-age=0, must-revalidate, no-transform"}
    if tag := answer.get("etag"):
        headers["ETag"] = tag
        if request.method == "GET" and request.headers.get("If-None-Match") == tag:
            return 304, b"", headers
    if (text := request.query.get("fields")) and (chosen := _selector(name, text)):
        answer = select(answer, chosen)
    if server.options.check_schema:
        wanted = discovery.response_schema(name)
        if found := schema.violations(answer, wanted):
            server.journal.violation(name, request.path_qs, found)
    indent = None if request.query.get("prettyPrint") == "false" else 1
    return 200, json.dumps(answer, indent=indent if len(answer) < 3 else None).encode(), headers


async def send(
    request: web.Request,
    rules: list[Fault],
    status: int,
    payload: bytes,
    headers: Mapping[str, str],
    content_type: str = _JSON,
) -> web.StreamResponse:
    """The HTTP answer, gzipped where the client takes it, or damaged where a rule says so."""
    out = {"Content-Type": content_type, **headers}
    kinds = {rule.kind: rule for rule in rules}
    if "html" in kinds:
        status = int(kinds["html"].options.get("status", 502))
        payload, out["Content-Type"] = _HTML.encode(), "text/html; charset=UTF-8"
        if "retry_after" in kinds["html"].options:
            out["Retry-After"] = str(kinds["html"].options["retry_after"])
    elif "truncate" in kinds or "reset" in kinds:
        return await _cut(request, status, payload if "truncate" in kinds else b"", out)
    if len(payload) >= _GZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        payload = gzip.compress(payload, compresslevel=1, mtime=0)
        out["Content-Encoding"] = "gzip"
        out["Vary"] = "Accept-Encoding"
    if status in (204, 304):
        del out["Content-Type"]
    return web.Response(status=status, body=payload, headers=out)


async def _cut(
    request: web.Request, status: int, payload: bytes, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Promise the whole body, give half of it (or nothing), and hang up."""
    response = web.StreamResponse(status=status, headers=headers)
    if payload:
        response.content_length = len(payload)
        await response.prepare(request)
        await response.write(payload[: len(payload) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
