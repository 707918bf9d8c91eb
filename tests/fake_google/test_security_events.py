"""The RISC stream: set up with a service account, fed by what happens, signed with its own key."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google.auth import crypt
from google.auth import jwt as google_jwt
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from example_app.fake_google.process import LocalGoogle

from .conftest import JAN
from .receiver import Receiver, eventually

RISC = "https://schemas.openid.net/secevent/risc/event-type/"
OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
PUSH = "https://schemas.openid.net/secevent/risc/delivery-method/push"
AUDIENCE = "https://risc.googleapis.com/google.identity.risc.v1beta.RiscManagementService"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Stream:
    """The stream's manager, and the reader of what it sends."""

    def __init__(self, google: LocalGoogle) -> None:
        self.metadata = httpx.get(google.risc_metadata_url).json()
        self.key = google.service_account()
        self.keys = KeySet.import_key_set(httpx.get(self.metadata["jwks_uri"]).json())

    def call(self, method: str, path: str, body: Any = None, **claims: Any) -> httpx.Response:
        now = int(time.time())
        email = self.key["client_email"]
        plain = {"iss": email, "sub": email, "aud": AUDIENCE, "iat": now, "exp": now + 3_600}
        signer = crypt.RSASigner.from_service_account_info(self.key)
        token = google_jwt.encode(signer, plain | claims).decode()
        root = self.metadata["configuration_endpoint"].removesuffix("/stream")
        return httpx.request(
            method, root + path, json=body, headers={"Authorization": f"Bearer {token}"}
        )

    def register(self, hook: Receiver, *kinds: str) -> None:
        answer = self.call(
            "POST",
            "/stream:update",
            {"delivery": {"delivery_method": PUSH, "url": hook.url}, "events_requested": kinds},
        )
        assert answer.status_code == 200, answer.text

    def read(self, hook: Receiver, number: int) -> dict[str, Any]:
        hook.wait(number + 1)
        headers, body = hook.messages[number]
        assert headers["content-type"] == "application/secevent+jwt"
        claims: dict[str, Any] = jwt.decode(body.decode(), self.keys, algorithms=["RS256"]).claims
        assert claims["iss"] == self.metadata["issuer"]
        return claims


@pytest.fixture
def stream(google: LocalGoogle) -> Stream:
    google.clock(reset=True)
    return Stream(google)


def test_the_stream_is_managed_by_its_service_account_only(stream: Stream, hook: Receiver) -> None:
    assert stream.metadata["issuer"].endswith("/")
    assert stream.call("GET", "/stream").status_code == 404
    stream.register(hook, RISC + "account-disabled")
    assert stream.call("GET", "/stream").json()["delivery"]["url"] == hook.url
    assert stream.call("GET", "/stream/status").json() == {"status": "enabled"}
    for wrong in ({"aud": "x"}, {"exp": 1}, {"iss": "x"}):
        assert stream.call("GET", "/stream", **wrong).status_code == 401
    bad = {"delivery": {"delivery_method": "pigeon", "url": hook.url}}
    assert stream.call("POST", "/stream:update", bad).status_code == 400
    unknown = {"delivery": {"delivery_method": PUSH, "url": hook.url}, "events_requested": ["x"]}
    assert stream.call("POST", "/stream:update", unknown).status_code == 400
    assert stream.call("DELETE", "/stream").status_code == 200
    assert stream.call("GET", "/stream").status_code == 404


def test_a_verification_carries_the_caller_s_state(stream: Stream, hook: Receiver) -> None:
    stream.register(hook)
    assert stream.call("POST", "/stream:verify", {"state": "hello"}).status_code == 200
    assert stream.read(hook, 0)["events"] == {RISC + "verification": {"state": "hello"}}


def test_what_happens_to_accounts_and_grants_is_told(
    google: LocalGoogle, stream: Stream, hook: Receiver
) -> None:
    stream.register(
        hook, RISC + "account-disabled", OAUTH + "tokens-revoked", OAUTH + "token-revoked"
    )
    grant = google.grant(JAN)
    google.revoke(JAN)
    events: dict[str, Any] = {}
    for number in range(2):
        claims = stream.read(hook, number)
        assert claims["aud"] == google.client_id
        events |= claims["events"]
    twice = hashlib.sha512(hashlib.sha512(grant["refresh_token"].encode()).digest()).digest()
    named = events[OAUTH + "token-revoked"]["subject"]
    assert named["token"] == base64.b64encode(twice).decode()
    assert named["token_identifier_alg"] == "hash_base64_sha512_sha512"
    assert events[OAUTH + "tokens-revoked"]["subject"]["sub"] == grant["sub"]
    google.disable_account(JAN, reason="hijacking")
    told = stream.read(hook, 2)["events"][RISC + "account-disabled"]
    assert (told["reason"], told["subject"]["sub"]) == ("hijacking", grant["sub"])


def test_only_what_was_asked_for_and_only_while_enabled(
    google: LocalGoogle, stream: Stream, hook: Receiver
) -> None:
    stream.register(hook, RISC + "account-disabled")
    google.grant(JAN)
    google.revoke(JAN)
    assert stream.call("POST", "/stream/status", {"status": "disabled"}).status_code == 200
    google.disable_account(JAN)
    assert stream.call("POST", "/stream/status", {"status": "enabled"}).status_code == 200
    google.disable_account(JAN)
    assert list(stream.read(hook, 0)["events"]) == [RISC + "account-disabled"]
    time.sleep(0.1)
    assert len(hook.messages) == 1


def test_events_by_hand_right_and_wrong(
    google: LocalGoogle, stream: Stream, hook: Receiver
) -> None:
    stream.register(hook)
    token = google.grant(JAN)["refresh_token"]
    sent = google.security_event("token-revoked", refresh_token=token, algorithm="prefix")
    subject = stream.read(hook, 0)["events"][OAUTH + "token-revoked"]["subject"]
    assert subject["token"] == token[:16]
    google.control("POST", "risc/emit", {"token": sent})
    hook.wait(2)
    assert hook.messages[0][1] == hook.messages[1][1], "the same event, delivered again"
    old = google.security_event("sessions-revoked", account=JAN, claims={"exp": 1, "aud": "x"})
    claims = jwt.decode(old, stream.keys, algorithms=["RS256"]).claims
    assert (claims["exp"], claims["aud"]) == (1, "x")
    strange = google.security_event("sessions-revoked", account=JAN, claims={"kid": "unknown"})
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(strange, stream.keys, algorithms=["RS256"])


def test_a_receiver_that_is_away_gets_it_later(
    google: LocalGoogle, stream: Stream, hook: Receiver
) -> None:
    google.control("POST", "settings", {"push_retry_seconds": 0.01})
    stream.register(hook)
    hook.statuses += [503, 202]
    google.security_event("account-disabled", account=JAN)
    hook.wait(2)
    eventually(lambda: len(google.control("GET", "risc/sent")["sent"]) >= 1)
    assert google.control("GET", "risc/sent")["sent"][-1]["status"] == 202
