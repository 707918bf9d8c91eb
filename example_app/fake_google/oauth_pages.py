"""The OAuth pages that people see: choose an account, allow or deny, take access back."""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from . import discovery
from .faults import Target
from .gate import strike
from .grants import CODE_SECONDS, EMAIL, PROFILE, Code, allow, canonical, revoke_grant
from .html import is_loopback, own_page, page
from .journal import Journal
from .model import Account, Client
from .oauth_token import TokenEndpoints
from .people import new_account
from .server import Server

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_ASKED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "access_type",
    "prompt",
    "login_hint",
    "nonce",
    "include_granted_scopes",
    "hl",
)
ALWAYS = ("openid", EMAIL, PROFILE)  # people cannot untick who they are


class Refused(Exception):
    """The request is so wrong that nobody may be sent back: `error` is shown on a page."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(error)
        self.error = error
        self.detail = detail


class AuthorizationPages:
    """Handlers of the authorization endpoint of one server."""

    def __init__(self, server: Server, tokens: TokenEndpoints) -> None:
        self.server = server
        self.tokens = tokens

    async def start(self, request: web.Request) -> web.StreamResponse:
        """The authorization endpoint: check the request, then let the person choose who."""
        rules = self.server.faults.take(
            Target("oauth.auth", client=request.query.get("client_id", ""))
        )
        await strike([rule for rule in rules if rule.kind in ("latency", "hang")])
        asked = {name: request.query[name] for name in _ASKED if name in request.query}
        self._record("oauth.auth", request)
        try:
            client = self._check(asked)
        except Refused as refused:
            return page(request, "refused.html", status=400, refused=refused)
        if error := _fault_to_send_back(asked, client):
            return self._back(asked, error=error[0], error_description=error[1])
        prompts = asked.get("prompt", "").split()
        if "none" in prompts:
            return self._back(asked, error="interaction_required")
        hinted = self._hinted(asked.get("login_hint", ""))
        if hinted and "select_account" not in prompts:
            return self._ask(request, asked, client, hinted)
        accounts = sorted(self.server.state.accounts.values(), key=lambda one: one is not hinted)[
            :50
        ]
        return page(
            request,
            "chooser.html",
            client=client,
            accounts=accounts,
            asked=asked,
            form_target=_origin(asked["redirect_uri"]),
        )

    def _hinted(self, hint: str) -> Account | None:
        """The account that a `login_hint` names, by address or by `sub`."""
        known = self.server.state.accounts
        return known.get(hint) or next((one for one in known.values() if one.sub == hint), None)

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """An account was chosen (or typed): ask for consent."""
        asked = {name: request.query[name] for name in _ASKED if name in request.query}
        try:
            client = self._check(asked)
        except Refused as refused:
            return page(request, "refused.html", status=400, refused=refused)
        email = request.query.get("account", "").strip().lower()
        account = self.server.state.accounts.get(email)
        if account is None and _ADDRESS.fullmatch(email):
            account = new_account(self.server.state, email)
            self.server.state.storage.flush()
        if account is None or account.disabled:
            return page(
                request,
                "another.html",
                client=client,
                asked=asked,
                email=email,
                disabled=account is not None,
                form_target=_origin(asked["redirect_uri"]),
            )
        return self._ask(request, asked, client, account)

    def _ask(
        self, request: web.Request, asked: dict[str, str], client: Client, account: Account
    ) -> web.StreamResponse:
        scopes = canonical(asked["scope"])
        grant = self.server.state.grants.get((account.email, client.id))
        if grant and set(scopes) <= set(grant.scopes) and "consent" not in asked.get("prompt", ""):
            return self._allowed(asked, client, account, scopes)
        return page(
            request,
            "consent.html",
            client=client,
            account=account,
            asked=asked,
            fixed=[scope for scope in scopes if scope in ALWAYS],
            scopes=[scope for scope in scopes if scope not in ALWAYS],
            form_target=_origin(asked["redirect_uri"]),
        )

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """The person allowed (with the boxes that stayed ticked) or cancelled."""
        own_page(request)
        form = await request.post()
        asked = {name: str(form[name]) for name in _ASKED if name in form}
        try:
            client = self._check(asked)
        except Refused as refused:
            return page(request, "refused.html", status=400, refused=refused)
        account = self.server.state.accounts.get(str(form.get("account", "")))
        self._record("oauth.consent", request)
        if account is None or account.disabled or form.get("decision") != "allow":
            return self._back(asked, error="access_denied")
        ticked = {str(scope) for scope in form.getall("granted", [])}
        scopes = [one for one in canonical(asked["scope"]) if one in ALWAYS or one in ticked]
        return self._allowed(asked, client, account, scopes)

    def _allowed(
        self, asked: dict[str, str], client: Client, account: Account, scopes: list[str]
    ) -> web.StreamResponse:
        known = self.server.state.grants.get((account.email, client.id))
        first = known is None or not known.refresh_tokens
        prompted = "consent" in asked.get("prompt", "").split()
        allow(self.server, account, client, scopes)
        self.server.state.storage.flush()
        now = self.server.state.now().timestamp()
        for old in [name for name, one in self.tokens.codes.items() if one.expires <= now]:
            del self.tokens.codes[old]
        code = "4/0" + secrets.token_urlsafe(48)
        self.tokens.codes[code] = Code(
            client_id=client.id,
            email=account.email,
            scopes=scopes,
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge", ""),
            nonce=asked.get("nonce", ""),
            refresh=asked.get("access_type") == "offline" and (prompted or first),
            expires=now + CODE_SECONDS,
        )
        return self._back(
            asked,
            code=code,
            scope=" ".join(scopes),
            authuser="0",
            prompt=asked.get("prompt", "consent"),
        )

    def _back(self, asked: dict[str, str], **answer: str) -> web.StreamResponse:
        """Send the person back to the client, with `state` echoed and `iss` named."""
        if "state" in asked:
            answer = {"state": asked["state"], **answer}
        parts = urlsplit(asked["redirect_uri"])
        query = [*parse_qsl(parts.query), *{"iss": self.server.url, **answer}.items()]
        location = urlunsplit(parts._replace(query=urlencode(query)))
        return web.HTTPFound(location, headers={"Cache-Control": "no-store"})

    def _check(self, asked: dict[str, str]) -> Client:
        client = self.server.state.clients.get(asked.get("client_id", ""))
        if client is None:
            raise Refused("invalid_client", "The OAuth client was not found.")
        uri = asked.get("redirect_uri", "")
        if uri not in client.redirect_uris and not (client.loopback and _is_loopback(uri)):
            raise Refused("redirect_uri_mismatch", uri)
        if not asked.get("scope"):
            raise Refused("invalid_request", "Missing required parameter: scope")
        return client

    def _record(self, name: str, request: web.Request) -> None:
        journal: Journal = self.server.journal
        journal.record(name, 200, method=request.method, path=request.path_qs)

    # -- the person's own page ----------------------------------------------------------------

    async def permissions(self, request: web.Request) -> web.StreamResponse:
        """What each account has allowed, with a button that takes it back."""
        state = self.server.state
        grants = [
            (grant, state.clients[grant.client_id])
            for grant in list(state.grants.values())[:200]
            if grant.client_id in state.clients
        ]
        return page(
            request, "permissions.html", grants=grants, removed=request.query.get("removed", "")
        )

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Take access back; the client learns it only at its next request, or by RISC."""
        own_page(request)
        form = await request.post()
        key = (str(form.get("account", "")), str(form.get("client", "")))
        if grant := self.server.state.grants.get(key):
            revoke_grant(self.server, grant)
            self.server.state.storage.flush()
        return web.HTTPSeeOther("/permissions?" + urlencode({"removed": key[0]}))


def _fault_to_send_back(asked: dict[str, str], client: Client) -> tuple[str, str] | None:
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "Only response_type=code is supported."
    known = {*ALWAYS, *discovery.known_scopes()}
    unknown = [scope for scope in canonical(asked["scope"]) if scope not in known]
    if unknown:
        return "invalid_scope", f"Some requested scopes were invalid: {unknown}"
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        return "invalid_request", "Only code_challenge_method=S256 is supported."
    if client.require_pkce and "code_challenge" not in asked:
        return "invalid_request", "Missing required parameter: code_challenge"
    return None


def _is_loopback(uri: str) -> bool:
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.username or parts.fragment:
        return False
    return is_loopback(parts.hostname or "")


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
