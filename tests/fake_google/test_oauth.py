"""Consent, tokens, revocation: as a client and a person meet them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet

from example_app.fake_google.process import LocalGoogle

from .conftest import JAN

CALLBACK = "http://127.0.0.1:8123/google-calendar/callback"
EVENTS = "https://www.googleapis.com/auth/calendar.events.readonly"
LIST = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"


class Person:
    """A browser and a client in one: asks for consent and exchanges what comes back."""

    def __init__(self, google: LocalGoogle) -> None:
        self.google = google
        self.http = httpx.Client(base_url=google.url, timeout=10)
        self.verifier = generate_token(48)

    def asked(self, **changes: str) -> dict[str, str]:
        plain = {
            "client_id": self.google.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"openid email {LIST} {EVENTS}",
            "state": "S",
            "nonce": "N",
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent select_account",
        }
        return {name: value for name, value in (plain | changes).items() if value}

    def decide(self, *granted: str, decision: str = "allow", **changes: str) -> dict[str, str]:
        form: dict[str, Any] = {
            **self.asked(**changes),
            "account": JAN,
            "granted": granted,
            "decision": decision,
        }
        answer = self.http.post("/signin/consent", data=form)
        assert answer.status_code == 302, answer.text
        assert answer.headers["Location"].startswith(CALLBACK)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def token(self, **form: str) -> httpx.Response:
        client = {"client_id": self.google.client_id, "client_secret": self.google.client_secret}
        return self.http.post("/token", data=client | form)

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        plain = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return self.token(**(plain | changes))

    def refresh(self, token: str) -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=token)


@pytest.fixture
def person(google: LocalGoogle) -> Iterator[Person]:
    google.clock(reset=True)
    made = Person(google)
    yield made
    made.http.close()


def test_the_whole_way_with_an_independent_client(google: LocalGoogle, person: Person) -> None:
    metadata = person.http.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == google.url
    assert metadata["authorization_response_iss_parameter_supported"] is True
    answer = person.decide(LIST, EVENTS)
    assert (answer["state"], answer["iss"]) == ("S", google.url)
    assert answer["scope"].split() == ["openid", EMAIL, LIST, EVENTS]
    with OAuth2Client(google.client_id, google.client_secret, redirect_uri=CALLBACK) as client:
        token = client.fetch_token(
            metadata["token_endpoint"], code=answer["code"], code_verifier=person.verifier
        )
        keys = KeySet.import_key_set(person.http.get(metadata["jwks_uri"]).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
        assert claims["aud"] == google.client_id
        assert (claims["nonce"], claims["email"]) == ("N", JAN)
        who = client.get(metadata["userinfo_endpoint"]).json()
        assert (who["sub"], who["email"]) == (claims["sub"], JAN)
        fresh = client.refresh_token(metadata["token_endpoint"])
        assert fresh["access_token"] != token["access_token"]
        client.revoke_token(metadata["revocation_endpoint"], token["refresh_token"])
    refused = person.refresh(token["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (
        person.http.get(
            "/userinfo", headers={"Authorization": f"Bearer {fresh['access_token']}"}
        ).status_code
        == 401
    )


def test_a_code_is_good_once_for_its_verifier_and_its_address(person: Person) -> None:
    wrong = person.exchange(person.decide(LIST)["code"], code_verifier="x" * 43)
    assert wrong.json()["error"] == "invalid_grant"
    elsewhere = person.exchange(person.decide(LIST)["code"], redirect_uri=CALLBACK + "/x")
    assert elsewhere.json()["error"] == "redirect_uri_mismatch"
    code = person.decide(LIST)["code"]
    assert person.exchange(code).status_code == 200
    assert person.exchange(code).json()["error"] == "invalid_grant"


def test_cancelled_and_unticked(person: Person) -> None:
    assert person.decide(decision="deny")["error"] == "access_denied"
    token = person.exchange(person.decide(LIST)["code"]).json()
    assert EVENTS not in token["scope"].split()
    answer = person.http.get(
        "/calendar/v3/calendars/primary/events",
        headers={"Authorization": f"Bearer {token['access_token']}"},
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["errors"][0]["reason"] == "insufficientPermissions"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "x"},
        {"redirect_uri": "https://evil.example/cb"},
        {"scope": ""},
        {"redirect_uri": "http://127.0.0.1.evil.example/cb"},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    person: Person, changes: dict[str, str]
) -> None:
    for path in ("/o/oauth2/v2/auth", "/signin/choose"):
        answer = person.http.get(path, params=person.asked(**changes) | {"account": JAN})
        assert answer.status_code == 400
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "interaction_required"),
    ],
)
def test_other_faults_go_back_to_the_client(
    person: Person, changes: dict[str, str], error: str
) -> None:
    answer = person.http.get("/o/oauth2/v2/auth", params=person.asked(**changes))
    assert answer.status_code == 302
    assert dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["error"] == error


def test_the_chooser_shows_everybody_and_makes_newcomers(
    google: LocalGoogle, person: Person
) -> None:
    google.add_account("eva@bakery.example")
    asked = person.asked(login_hint=JAN)
    shown = person.http.get("/o/oauth2/v2/auth", params=asked)
    assert JAN in shown.text
    assert "eva@bakery.example" in shown.text
    consent = person.http.get("/signin/choose", params=asked | {"account": "new@shop.example"})
    assert "new@shop.example" in consent.text
    assert consent.text.count('type="checkbox"') == 2
    assert "http://127.0.0.1:8123" in consent.headers["Content-Security-Policy"]
    without = person.http.get(
        "/o/oauth2/v2/auth", params=person.asked(login_hint=JAN, prompt="consent")
    )
    assert "eva@bakery.example" not in without.text
    google.disable_account(JAN)
    assert "disabled" in person.http.get("/signin/choose", params=asked | {"account": JAN}).text


def test_a_refresh_token_comes_at_the_first_consent_or_when_prompted(person: Person) -> None:
    assert (
        "refresh_token"
        not in person.exchange(person.decide(LIST, access_type="online")["code"]).json()
    )
    assert "refresh_token" in person.exchange(person.decide(LIST, prompt="")["code"]).json()
    assert "refresh_token" not in person.exchange(person.decide(LIST, prompt="")["code"]).json()
    again = person.http.get(
        "/signin/choose",
        params=person.asked(prompt="select_account", scope=f"openid email {LIST}")
        | {"account": JAN},
    )
    assert again.status_code == 302, "what was granted before is not asked again"


def test_the_hundred_and_first_refresh_token_kills_the_oldest(
    google: LocalGoogle, person: Person
) -> None:
    tokens = [google.grant(JAN)["refresh_token"] for _ in range(101)]
    assert person.refresh(tokens[0]).json()["error"] == "invalid_grant"
    assert person.refresh(tokens[1]).status_code == 200
    assert person.refresh(tokens[100]).status_code == 200


def test_an_access_token_ends_in_time_and_at_once(google: LocalGoogle, person: Person) -> None:
    token = google.grant(JAN)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    path = "/calendar/v3/users/me/calendarList"
    assert person.http.get(path, headers=bearer).status_code == 200
    google.clock(advance=3_600)
    assert person.http.get(path, headers=bearer).status_code == 401
    fresh = person.refresh(token["refresh_token"]).json()["access_token"]
    bearer = {"Authorization": f"Bearer {fresh}"}
    assert person.http.get(path, headers=bearer).status_code == 200
    google.expire_access_tokens(JAN)
    assert person.http.get(path, headers=bearer).status_code == 401


def test_wrong_clients_are_not_revocations(google: LocalGoogle, person: Person) -> None:
    token = google.grant(JAN)["refresh_token"]
    wrong = person.token(client_secret="x", grant_type="refresh_token", refresh_token=token)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    basic = person.http.post(
        "/token",
        data={"grant_type": "refresh_token", "refresh_token": token},
        auth=(google.client_id, google.client_secret),
    )
    assert basic.status_code == 200
    assert person.token(grant_type="password").json()["error"] == "unsupported_grant_type"


def test_a_person_takes_access_back_on_their_own_page(google: LocalGoogle, person: Person) -> None:
    token = google.grant(JAN)["refresh_token"]
    assert JAN in person.http.get("/permissions").text
    form = {"account": JAN, "client": google.client_id}
    stranger = {"Sec-Fetch-Site": "cross-site"}
    refused = person.http.post("/permissions/remove", data=form, headers=stranger)
    assert refused.status_code == 403
    assert person.refresh(token).status_code == 200
    assert person.http.post("/permissions/remove", data=form).status_code == 303
    assert person.refresh(token).json()["error"] == "invalid_grant"


def test_a_disabled_account_gets_nothing(google: LocalGoogle, person: Person) -> None:
    token = google.grant(JAN)
    google.disable_account(JAN)
    assert person.refresh(token["refresh_token"]).json()["error"] == "invalid_grant"
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert person.http.get("/calendar/v3/users/me/calendarList", headers=bearer).status_code == 401
    google.disable_account(JAN, disabled=False)
    assert person.refresh(token["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"kind": "serviceUnavailable"}, 503, "internal_failure"),
        ({"kind": "html", "status": 429, "retry_after": 7}, 429, "<!DOCTYPE html>"),
        ({"kind": "invalid_client"}, 401, "invalid_client"),
        ({"kind": "invalid_grant"}, 400, "invalid_grant"),
        ({"kind": "missing_fields"}, 200, "token_type"),
    ],
)
def test_the_token_endpoint_can_fail_in_every_way_that_google_s_does(
    google: LocalGoogle, person: Person, fault: dict, status: int, text: str
) -> None:
    token = google.grant(JAN)["refresh_token"]
    google.control(
        "POST", "faults", {**fault, "endpoint": "oauth.token", "account": JAN, "count": 1}
    )
    answer = person.refresh(token)
    assert answer.status_code == status
    assert text in answer.text
    assert "access_token" not in answer.text
    if fault.get("retry_after"):
        assert answer.headers["Retry-After"] == "7"
    assert person.refresh(token).status_code == 200


def test_a_refresh_token_can_be_left_out_and_an_answer_kept_waiting(
    google: LocalGoogle, person: Person
) -> None:
    google.fault("omit_refresh_token", endpoint="oauth.token", count=1)
    assert "refresh_token" not in person.exchange(person.decide(LIST)["code"]).json()
    google.fault("hang", endpoint="oauth.token", seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        person.http.post("/token", data={"grant_type": "x"}, timeout=0.3)
