"""The RISC stream API, as `risc.googleapis.com/v1beta` has it, and its discovery document.

Its callers prove themselves with a token that they sign with the service account's key.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from .errors import ApiError, unauthorized
from .faults import Target
from .gate import send, strike
from .keys import SECURITY, SERVICE
from .model import Json
from .risc import EVENT_TYPES
from .server import Server

AUDIENCE = "https://risc.googleapis.com/google.identity.risc.v1beta.RiscManagementService"
ACCOUNT = "risc@local-project.iam.gserviceaccount.example"
PUSH_METHODS = (
    "https://schemas.openid.net/secevent/risc/delivery-method/push",
    "urn:ietf:rfc:8935",
)
Answer = Callable[[Json], Json]


class RiscApi:
    """Handlers of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.state = server.state

    def routes(self) -> list[web.RouteDef]:
        """What is reachable where."""
        return [
            web.get("/.well-known/risc-configuration", self.configuration),
            web.get("/risc/certs", self.certs),
            web.get("/v1beta/stream", self._call("risc.get", self.get)),
            web.post("/v1beta/stream", self._call("risc.update", self.update)),
            web.post("/v1beta/stream:update", self._call("risc.update", self.update)),
            web.delete("/v1beta/stream", self._call("risc.delete", self.delete)),
            web.get("/v1beta/stream/status", self._call("risc.status", self.status)),
            web.post("/v1beta/stream/status", self._call("risc.setStatus", self.set_status)),
            web.post("/v1beta/stream/status:update", self._call("risc.setStatus", self.set_status)),
            web.post("/v1beta/stream:verify", self._call("risc.verify", self.verify)),
        ]

    async def configuration(self, request: web.Request) -> web.StreamResponse:
        """The RISC discovery document; the issuer ends with a slash, as Google's does."""
        url = self.server.url
        return await self._public(
            request,
            "risc.configuration",
            {
                "issuer": self.server.transmitter.issuer,
                "jwks_uri": f"{url}/risc/certs",
                "delivery_methods_supported": list(PUSH_METHODS),
                "configuration_endpoint": f"{url}/v1beta/stream",
                "status_endpoint": f"{url}/v1beta/stream/status",
                "verification_endpoint": f"{url}/v1beta/stream:verify",
            },
        )

    async def certs(self, request: web.Request) -> web.StreamResponse:
        """The keys of security event tokens."""
        return await self._public(request, "risc.certs", self.server.keys.public(SECURITY))

    def service_account(self) -> Json:
        """The key file of the one service account that may manage the stream."""
        key = self.server.keys.key(SERVICE)
        return {
            "type": "service_account",
            "project_id": "local-project",
            "private_key_id": key.kid,
            "private_key": key.as_pem(private=True).decode(),
            "client_email": ACCOUNT,
            "client_id": "100000000000000000001",
            "token_uri": f"{self.server.url}/token",
        }

    def get(self, body: Json) -> Json:
        """The stream's configuration."""
        if not self.server.transmitter.stream:
            raise ApiError(404, "notFound", "Stream configuration not found.")
        return self.server.transmitter.stream

    def update(self, body: Json) -> Json:
        """Set where events go and which are wanted; a new stream is enabled."""
        delivery = body.get("delivery") or {}
        address = str(delivery.get("url", ""))
        if delivery.get("delivery_method") not in PUSH_METHODS:
            raise ApiError(400, "badRequest", "Unsupported delivery method.")
        if urlsplit(address).scheme not in ("https", "http") or not urlsplit(address).hostname:
            raise ApiError(400, "badRequest", "Invalid receiver URL.")
        wanted = list(body.get("events_requested", []))
        if unknown := sorted(set(wanted) - set(EVENT_TYPES.values())):
            raise ApiError(400, "badRequest", f"Unknown event types: {unknown}")
        self.state.set_value(
            "risc:stream",
            {
                "iss": self.server.transmitter.issuer,
                "aud": sorted(self.state.clients),
                "delivery": {"delivery_method": delivery["delivery_method"], "url": address},
                "events_requested": wanted,
                "events_supported": sorted(EVENT_TYPES.values()),
            },
        )
        if "risc:status" not in self.state.values:
            self.state.set_value("risc:status", "enabled")
        return {}

    def delete(self, body: Json) -> Json:
        """Forget the stream."""
        for name in ("risc:stream", "risc:status"):
            self.state.values.pop(name, None)
            self.state.storage.delete("value", name)
        return {}

    def status(self, body: Json) -> Json:
        """Whether events flow."""
        return {"status": self.state.values.get("risc:status", "disabled")}

    def set_status(self, body: Json) -> Json:
        """Let events flow or not: `enabled` or `disabled`."""
        if body.get("status") not in ("enabled", "disabled"):
            raise ApiError(400, "badRequest", "Unknown status.")
        self.state.set_value("risc:status", body["status"])
        return {}

    def verify(self, body: Json) -> Json:
        """Send a verification event that carries the caller's `state`."""
        self.get(body)
        self.server.transmitter.emit("verification", {"state": str(body.get("state", ""))})
        return {}

    def _call(
        self, name: str, answer: Answer
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            rules = self.server.faults.take(Target(name))
            status, headers = 200, {}
            try:
                await strike(rules)
                self._authorize(request)
                text = await request.text()
                try:
                    body = json.loads(text) if text else {}
                except ValueError:
                    raise ApiError(400, "badRequest", "Invalid JSON payload.") from None
                answered = answer(body)
            except ApiError as error:
                status, answered, headers = error.status, error.body(), error.headers
            self.state.storage.flush()
            self.server.journal.record(name, status, method=request.method, path=request.path)
            return await send(request, rules, status, json.dumps(answered).encode(), headers)

        return handle

    def _authorize(self, request: web.Request) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        claims = self.server.keys.verify(SERVICE, token) or {}
        now = self.state.now().timestamp()
        if not (
            claims.get("iss") == claims.get("sub") == ACCOUNT
            and claims.get("aud") == AUDIENCE
            and claims.get("exp", 0) > now >= claims.get("iat", now) - 60
        ):
            raise unauthorized()

    async def _public(self, request: web.Request, name: str, body: Json) -> web.StreamResponse:
        rules = self.server.faults.take(Target(name))
        status, headers = 200, {}
        try:
            await strike(rules)
        except ApiError as error:
            status, body, headers = error.status, error.body(), error.headers
        self.state.storage.flush()
        self.server.journal.record(name, status, method=request.method, path=request.path)
        return await send(request, rules, status, json.dumps(body).encode(), headers)
