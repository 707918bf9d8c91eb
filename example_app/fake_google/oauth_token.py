"""The OAuth endpoints that programs call: discovery, token, revoke, userinfo, keys."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from urllib.parse import unquote_plus

from aiohttp import BasicAuth, web

from .errors import unauthorized
from .faults import Fault, Target
from .gate import bearer, send, strike
from .grants import (
    EMAIL,
    PROFILE,
    Code,
    OAuthError,
    challenge_of,
    identity_token,
    new_refresh_token,
    refresh,
    revoke_token,
)
from .keys import IDENTITY
from .model import Client, Json
from .server import Server


class TokenEndpoints:
    """Handlers of one server; `codes` waits for the token endpoint."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.codes: dict[str, Code] = {}

    async def configuration(self, request: web.Request) -> web.StreamResponse:
        """The OpenID Connect discovery document."""
        url = self.server.url
        return await self._plain(
            request,
            "openid-configuration",
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/o/oauth2/v2/auth",
                "token_endpoint": f"{url}/token",
                "userinfo_endpoint": f"{url}/userinfo",
                "revocation_endpoint": f"{url}/revoke",
                "jwks_uri": f"{url}/oauth2/v3/certs",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                ],
                "claims_supported": [
                    "aud",
                    "email",
                    "email_verified",
                    "exp",
                    "iat",
                    "iss",
                    "name",
                    "sub",
                ],
                "code_challenge_methods_supported": ["S256"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "authorization_response_iss_parameter_supported": True,
            },
        )

    async def certs(self, request: web.Request) -> web.StreamResponse:
        """The keys of identity tokens."""
        return await self._plain(request, "certs", self.server.keys.public(IDENTITY))

    async def userinfo(self, request: web.Request) -> web.StreamResponse:
        """Who the bearer of an access token is."""
        access = bearer(self.server, request)
        account = self.server.state.accounts.get(access.email) if access else None
        if access is None or account is None or account.disabled or "openid" not in access.scopes:
            error = unauthorized()
            body = {"error": "invalid_request", "error_description": "Invalid Credentials"}
            return await self._plain(request, "userinfo", body, error.status, error.headers)
        shown: Json = {"sub": account.sub}
        if EMAIL in access.scopes:
            shown |= {"email": account.email, "email_verified": True}
        if PROFILE in access.scopes:
            shown["name"] = account.name
        return await self._plain(request, "userinfo", shown)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Withdraw the grant that a token belongs to."""
        form = await request.post()
        token = str(form.get("token") or request.query.get("token", ""))
        rules = self.server.faults.take(Target("oauth.revoke"))
        try:
            await self._strike(rules)
            revoke_token(self.server, token)
        except OAuthError as error:
            return await self._done(request, "oauth.revoke", rules, error.status, error.body())
        return await self._done(request, "oauth.revoke", rules, 200, {})

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Exchange a code, or refresh an access token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        key = self.server.state.refresh_tokens.get(form.get("refresh_token", ""))
        code = self.codes.get(form.get("code", ""))
        account = key[0] if key else code.email if code else ""
        client_id = _credentials(request, form)[0]
        rules = self.server.faults.take(Target("oauth.token", account, client=client_id))
        try:
            await self._strike(rules)
            answer = self._grant(request, form, {rule.kind for rule in rules})
        except OAuthError as error:
            return await self._done(
                request, "oauth.token", rules, error.status, error.body(), account, error.error
            )
        return await self._done(request, "oauth.token", rules, 200, answer, account)

    def _grant(self, request: web.Request, form: Mapping[str, str], kinds: set[str]) -> Json:
        client = self._client(request, form)
        if form.get("grant_type") == "authorization_code":
            answer = self._exchange(client, form)
        elif form.get("grant_type") == "refresh_token":
            _, access = refresh(
                self.server, client, form.get("refresh_token", ""), form.get("scope", "")
            )
            answer = self._tokens(access.token, access.scopes)
        else:
            raise OAuthError(
                "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}"
            )
        if "omit_refresh_token" in kinds:
            answer.pop("refresh_token", None)
        if "missing_fields" in kinds:
            answer = {"token_type": "Bearer"}
        return answer

    def _exchange(self, client: Client, form: Mapping[str, str]) -> Json:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.expires <= self.server.state.now().timestamp():
            raise OAuthError("invalid_grant", "Malformed auth code.")
        if code.client_id != client.id:
            raise OAuthError("unauthorized_client", "Unauthorized")
        if code.redirect_uri != form.get("redirect_uri"):
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        if code.challenge and challenge_of(form.get("code_verifier", "")) != code.challenge:
            raise OAuthError("invalid_grant", "Invalid code verifier.")
        grant = self.server.state.grants.get((code.email, client.id))
        if grant is None:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        access = self.server.state.new_access(
            grant, code.scopes, self.server.options.access_seconds
        )
        answer = self._tokens(access.token, code.scopes)
        if code.refresh:
            answer["refresh_token"] = new_refresh_token(self.server, grant)
        if "openid" in code.scopes:
            account = self.server.state.accounts[code.email]
            answer["id_token"] = identity_token(self.server, account, client, access, code.nonce)
        return answer

    def _tokens(self, token: str, scopes: list[str]) -> Json:
        return {
            "access_token": token,
            "expires_in": int(self.server.options.access_seconds),
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }

    def _client(self, request: web.Request, form: Mapping[str, str]) -> Client:
        name, secret = _credentials(request, form)
        client = self.server.state.clients.get(name)
        if client is None:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise OAuthError("invalid_client", "Unauthorized", 401)
        return client

    async def _strike(self, rules: list[Fault]) -> None:
        await strike([rule for rule in rules if rule.kind in ("latency", "hang")])
        for rule in rules:
            if rule.kind in ("invalid_grant", "invalid_client"):
                raise OAuthError(rule.kind, "Injected.", 401 if "client" in rule.kind else 400)
            if rule.kind == "error" or rule.refusal():
                refusal = rule.refusal()
                status = refusal.status if refusal else 500
                raise OAuthError(
                    str(rule.options.get("reason", "internal_failure")), "Backend Error", status
                )

    async def _plain(
        self,
        request: web.Request,
        name: str,
        body: Json,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        rules = self.server.faults.take(Target(name))
        await strike([rule for rule in rules if rule.kind in ("latency", "hang")])
        for rule in rules:
            if error := rule.refusal():
                status, body, headers = error.status, error.body(), error.headers
        self.server.journal.record(name, status, method=request.method, path=request.path)
        return await send(request, rules, status, json.dumps(body).encode(), headers or {})

    async def _done(
        self,
        request: web.Request,
        name: str,
        rules: list[Fault],
        status: int,
        body: Json,
        account: str = "",
        reason: str = "",
    ) -> web.StreamResponse:
        self.server.state.storage.flush()
        self.server.journal.record(
            name, status, method=request.method, path=request.path, account=account, reason=reason
        )
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        for rule in rules:
            if "retry_after" in rule.options:
                headers["Retry-After"] = str(rule.options["retry_after"])
        return await send(request, rules, status, json.dumps(body, indent=1).encode(), headers)


def _credentials(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("basic "):
        given = BasicAuth.decode(header)
        return unquote_plus(given.login), unquote_plus(given.password)
    return form.get("client_id", ""), form.get("client_secret", "")
