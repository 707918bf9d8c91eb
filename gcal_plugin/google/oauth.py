"""Google's authorization server: consent, tokens, refresh, withdrawal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError

from ..ports import AccessToken, CalendarError, GrantedTokens, GrantRevoked, OAuthClient
from ..settings import CALENDAR_LIST_SCOPE, EVENTS_SCOPE
from .errors import retry_after, unreachable
from .metadata import Metadata

_DEFAULT_LIFE = 3600
_EARLY = 60
"""An access token counts as used up so many seconds before it is: a request takes time too."""


_CONNECTIONS = 16
"""Kept at most: one for each thread that refreshes."""


class _Kept(HTTPAdapter):
    """Connections that outlive the session that asks over them.

    Opening one to Google costs many times what a refresh does: all authorities are read for it.
    """

    def __init__(self) -> None:
        super().__init__(pool_connections=2, pool_maxsize=_CONNECTIONS)

    def send(self, *given: Any, **options: Any) -> requests.Response:
        """Send, and once more over a new connection where a kept one turned out to be closed."""
        try:
            return super().send(*given, **options)
        except requests.ConnectionError as error:
            if not (error.args and isinstance(error.args[0], ProtocolError)):
                raise
        return super().send(*given, **options)

    def close(self) -> None:
        """Nothing, when a session ends; `close_kept` ends it."""

    def close_kept(self) -> None:
        """Close the connections that nobody uses."""
        super().close()


class GoogleOAuth:
    """`OAuthPort` on the endpoints that the OpenID discovery document names."""

    def __init__(
        self,
        metadata: Metadata,
        *,
        scopes: tuple[str, ...],
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metadata = metadata
        self._scopes = scopes
        self._timeout = timeout
        self._clock = clock
        self._kept: dict[int, _Kept] = {}

    def required_scopes(self) -> frozenset[str]:
        """Both calendar scopes; people can untick each of them."""
        return frozenset({CALENDAR_LIST_SCOPE, EVENTS_SCOPE})

    def authorize_url(
        self,
        client: OAuthClient,
        *,
        redirect_uri: str,
        state: str,
        nonce: str,
        code_verifier: str,
        login_hint: str | None = None,
        locale: str | None = None,
    ) -> str:
        """Where the browser goes: chooser and consent every time, a refresh token, PKCE S256."""
        extra = {"hl": locale, "login_hint": login_hint}
        with self._session(client, scope=" ".join(self._scopes)) as session:
            url, _ = session.create_authorization_url(
                self._metadata.endpoint("authorization_endpoint"),
                redirect_uri=redirect_uri,
                state=state,
                nonce=nonce,
                code_verifier=code_verifier,
                access_type="offline",
                prompt="consent select_account",
                **{key: value for key, value in extra.items() if value},
            )
        return str(url)

    def exchange(
        self,
        client: OAuthClient,
        *,
        code: str,
        redirect_uri: str,
        code_verifier: str,
        nonce: str,
        issuer: str | None,
    ) -> GrantedTokens:
        """The code for tokens. Refuses an answer that another server, or another round, gave."""
        document = self._metadata.document()
        announced = document.get("authorization_response_iss_parameter_supported", False)
        if (issuer is not None or announced) and issuer != document.get("issuer"):
            raise CalendarError(
                "the answer came from elsewhere", reason="wrong_issuer", permanent=True
            )
        token = self._token(
            self._session(client),
            lambda session, url: session.fetch_token(
                url,
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
                timeout=self._timeout,
            ),
            used_up=CalendarError("the code was refused", reason="invalid_code", permanent=True),
        )
        claims = self._verify(client, str(token.get("id_token", "")), nonce)
        return self._granted(client, token, claims)

    def refresh(self, client: OAuthClient, refresh_token: str) -> GrantedTokens:
        """A new access token. No scope is sent: asking for one could narrow the grant."""
        token = self._token(
            self._kept_session(client),
            lambda session, url: session.refresh_token(
                url, refresh_token=refresh_token, timeout=self._timeout
            ),
            used_up=GrantRevoked(),
        )
        if token.get("refresh_token") == refresh_token:
            token = {**token, "refresh_token": None}
        return self._granted(client, token, {})

    def revoke(self, client: OAuthClient, token: str) -> bool:
        """Withdraw the grant, which ends all of this client's tokens of that user."""
        url = self._metadata.endpoint("revocation_endpoint")
        try:
            answer = requests.post(
                url, data={"token": token}, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise unreachable(error) from None
        if answer.status_code == 200:
            return True
        if answer.status_code == 400 and _error_code(answer) in {"invalid_token", "invalid_grant"}:
            return False
        raise _from_response(answer)

    def close(self) -> None:
        """Close this process's connections; the next request opens new ones."""
        kept = self._kept.pop(os.getpid(), None)
        if kept is not None:
            kept.close_kept()

    def _session(self, client: OAuthClient, **options: Any) -> Any:
        return OAuth2Session(
            client_id=client.id,
            client_secret=client.secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 (a method, no secret)
            code_challenge_method="S256",
            **options,
        )

    def _kept_session(self, client: OAuthClient) -> Any:
        """A session over kept connections, for what may be asked twice."""
        session = self._session(client)
        # A forked child must not speak on its parent's connections.
        kept = self._kept.get(os.getpid()) or self._kept.setdefault(os.getpid(), _Kept())
        for scheme in ("https://", "http://"):
            session.mount(scheme, kept)
        return session

    def _token(
        self,
        client_session: Any,
        ask: Callable[[Any, str], Mapping[str, Any]],
        *,
        used_up: CalendarError,
    ) -> Mapping[str, Any]:
        """Ask the token endpoint; only its own `invalid_grant` means that the grant is gone."""
        url = self._metadata.endpoint("token_endpoint")
        with client_session as session:
            try:
                token = ask(session, url)
            except OAuthError as error:
                if error.error == "invalid_grant":
                    raise used_up from None
                raise CalendarError(
                    f"the token endpoint refused: {error.error}", reason=str(error.error)
                ) from None
            except requests.HTTPError as error:
                if error.response is None:
                    raise unreachable(error) from None
                raise _from_response(error.response) from None
            except (requests.RequestException, ValueError) as error:
                raise unreachable(error) from None
        if not isinstance(token.get("access_token"), str) or not token["access_token"]:
            raise CalendarError("the token endpoint gave no token", reason="no_access_token")
        return token

    def _granted(
        self, client: OAuthClient, token: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> GrantedTokens:
        try:
            life = int(token.get("expires_in") or _DEFAULT_LIFE)
        except (TypeError, ValueError):
            life = _DEFAULT_LIFE
        expires = datetime.fromtimestamp(self._clock(), UTC) + timedelta(
            seconds=max(life - _EARLY, life // 2)
        )
        subject = str(claims.get("sub", ""))
        return GrantedTokens(
            access=AccessToken(token["access_token"], expires, subject, client.id),
            refresh_token=token.get("refresh_token") or None,
            scopes=frozenset(str(token.get("scope") or "").split()),
            subject=subject,
            email=str(claims.get("email", "")),
        )

    def _verify(self, client: OAuthClient, id_token: str, nonce: str) -> Mapping[str, Any]:
        """The id token's claims, once signature, issuer, audience, nonce and age are right."""
        issuer = str(self._metadata.document().get("issuer", ""))
        rules = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=60,
            iss={"essential": True, "values": [issuer, issuer.removeprefix("https://")]},
            aud={"essential": True, "value": client.id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            decoded = self._metadata.keys.decode(id_token)
            rules.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise CalendarError(
                f"the id token is not valid: {type(error).__name__}",
                reason="invalid_id_token",
                permanent=True,
            ) from None
        return decoded.claims


def _error_code(answer: requests.Response) -> str:
    try:
        data = answer.json()
    except ValueError:
        return ""
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def _from_response(answer: requests.Response) -> CalendarError:
    return CalendarError(
        f"the authorization server answered {answer.status_code}",
        reason=_error_code(answer) or f"http{answer.status_code}",
        status=answer.status_code,
        retry_after=retry_after(answer.headers),
    )
