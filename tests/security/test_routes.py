"""Every address x every wrong caller, made from the URL map: nothing disclosed, nothing changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from example_app.database import db
from example_app.models import Customer, User
from gcal_plugin.domain.link_state import LinkState
from gcal_plugin.domain.request_state import RequestState
from gcal_plugin.store.tables import (
    Activity,
    Base,
    BlockedNumber,
    Calendar,
    Grant,
    LedgerEntry,
    Link,
    MailOut,
    PriceTemplate,
    Request,
    RequestStep,
)
from gcal_plugin.web.blueprint import OPEN, ROUTES
from tests.servers.databases import Databases
from tests.support.portal_app import (
    FEMKE,
    OPERATOR,
    OTHER_SUPPORT,
    Person,
    portal,
)

PLANTED = "zxplantedzx"
STRANGER = "klaas@garage.example"
COLLEAGUE = "bram@bakkerij-jansen.example"
CALLERS = {
    "anonymous": None,
    "colleague": COLLEAGUE,
    "other_customer": STRANGER,
    "other_tenant": FEMKE,
    "other_support": OTHER_SUPPORT,
    "operator": OPERATOR,
}
MAY_SEE = {("operator", "gcal.operator")}
"""The one page that shows other people's lines on purpose, to the one role that runs them."""
PROBES = {"gcal.healthz", "gcal.readyz", "gcal.metrics", "gcal.asset"}


@dataclass(frozen=True)
class Victim:
    """Jan's rows, by the names that addresses have for them."""

    link_id: str
    request_id: str
    mail: str
    template: str

    def fill(self, rule: Rule) -> list[dict[str, str]]:
        """Values for an address, as many as it takes to try each step."""
        steps = STEPS.get(rule.endpoint, [""])
        values = {
            "link_id": self.link_id, "request_id": self.request_id, "token": "x", "pbx": "main",
            "domain": "bakkerij-jansen.example", "extension": "200", "theme": "plain",
            "digest": "x", "name": "x.css",
        }  # fmt: skip
        return [
            {name: step if name == "step" else values[name] for name in rule.arguments}
            for step in steps
        ]


STEPS = {
    "gcal.request_answer": ["agree", "decline", "cancel", "nonsense"],
    "gcal.support_step": [
        "quote", "provision", "finish", "note", "take-over", "cancel", "end", "keep", "kill",
        "revive", "nonsense",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases, RATELIMIT_ENABLED=False) as made:
        yield made


@pytest.fixture(scope="module")
def victim(app: Flask) -> Victim:
    """Everything that Jan and his reseller have, with a planted word in it."""
    with app.app_context():
        db.session.add(
            Customer(id=9, tenant_id="belwinkel", code="G1", name="Garage", domain="garage.example")
        )
        db.session.flush()
        for key, customer, email in ((91, 9, STRANGER), (92, 1, COLLEAGUE)):
            user = User(
                id=key, tenant_id="belwinkel", customer_id=customer, email=email, name="X",
                roles="customer",
            )  # fmt: skip
            user.set_password("demo")
            db.session.add(user)
        session: Any = db.session
        rt = app.extensions["gcal"]
        now = rt.store.now(session())
        link = session.scalars(sa.select(Link).where(Link.account_id == "1")).one()
        grant = Grant(
            client_id="c", subject="s", email=f"{PLANTED}@gmail.example", created_at=now, scopes=[]
        )
        session.add(grant)
        session.flush()
        calendar = Calendar(grant_id=grant.id, google_id=PLANTED, name=PLANTED)
        session.add(calendar)
        session.flush()
        link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, LinkState.LINKED.value
        link.second_contact = f"{PLANTED}@x.example"
        request = Request(
            tenant_id="belwinkel", account_id="1", account_email=f"{PLANTED}@x.example",
            customer_code=PLANTED, customer_name=PLANTED, domain="bakkerij-jansen.example",
            extension="201", remarks=PLANTED, summary=PLANTED, state=RequestState.QUOTED.value,
            once_price=1, monthly_price=2, vat_percent=21, quotes=1, created_at=now, changed_at=now,
        )  # fmt: skip
        template = PriceTemplate(
            tenant_id="belwinkel", name=PLANTED, once_price=1, monthly_price=1, vat_percent=21
        )
        session.add_all([request, template])
        session.flush()
        mail = MailOut(
            key="k", tenant_id="belwinkel", kind="note", recipient=f"{PLANTED}@x.example",
            request_id=request.id, state="failed", tries=9, created_at=now, last_error=PLANTED,
        )  # fmt: skip
        session.add_all(
            [
                mail,
                BlockedNumber(
                    value="+31612345678", tenant_id="belwinkel", at=now, by="x:4", note=PLANTED
                ),
                RequestStep(
                    request_id=request.id, at=now, actor="support:4", action="note",
                    state="quoted", detail={"note": PLANTED},
                ),
                Activity(
                    link_id=link.id, tenant_id="belwinkel", at=now, what="connected",
                    actor="customer:1", detail={"x": PLANTED},
                ),
                LedgerEntry(
                    link_id=link.id, tenant_id="belwinkel", pbx="main", due_at=now, cause="edge",
                    revision=1, outcome="done", detail=PLANTED,
                ),
            ]
        )  # fmt: skip
        session.commit()
        made = Victim(str(link.id), str(request.id), str(mail.id), str(template.id))
        session.remove()
    return made


def snapshot(app: Flask) -> dict[str, list[str]]:
    """Every row of every table of ours."""
    with app.app_context():
        found = {
            table.name: sorted(str(tuple(row)) for row in db.session.execute(sa.select(table)))
            for table in Base.metadata.sorted_tables
        }
        db.session.remove()
    return found


def without(rows: dict[str, list[str]], tenant: str) -> dict[str, list[str]]:
    return {name: [row for row in some if f"'{tenant}'" not in row] for name, some in rows.items()}


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("gcal.")]


def test_every_row_of_the_table_of_addresses_is_tried(app: Flask) -> None:
    assert {rule.endpoint for rule in rules(app)} == {f"gcal.{route.name}" for route in ROUTES}


@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_is_disclosed_and_nothing_changes(app: Flask, victim: Victim, caller: str) -> None:
    person = Person(app, CALLERS[caller], language="en")
    before = snapshot(app)
    token = csrf(person)
    tried = 0
    for rule in rules(app):
        for values in victim.fill(rule):
            path = build(app, rule, values)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                form = fields(victim, token) if method == "POST" else None
                answer = person.client.open(path, method=method, data=form)
                check(caller, rule, path, method, answer, victim)
                tried += 1
    assert tried >= len(ROUTES)
    after = snapshot(app)
    if caller in {"other_tenant", "other_support"}:
        # What is their own reseller's they may change, and the forms above do.
        before, after = without(before, "havenstem"), without(after, "havenstem")
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


def csrf(person: Person) -> str:
    """A token that is right for this caller, so that only the scope can refuse."""
    person.get("/google-calendar/request?new=1" if person.client.get_cookie("portal") else "/login")
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', person.page)
    if found is None:
        person.get("/settings")
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', person.page)
    assert found is not None, person.text
    return found[1]


def fields(victim: Victim, token: str) -> dict[str, str]:
    """A form that would do something to the victim, could it reach that far."""
    return {
        "csrf_token": token, "version": "1", "quote": "1", "once": "1", "monthly": "1", "vat": "21",
        "message": "hacked",
        "valid_until": "2099-01-01", "note": "hacked", "why": "hacked", "countries": "NL",
        "mail": victim.mail, "remove": victim.template, "calendar": PLANTED, "until": "hour",
        "stale_choice": "stop", "number": "", "email": "jan@bakkerij-jansen.example",
    }  # fmt: skip


def build(app: Flask, rule: Rule, values: dict[str, str]) -> str:
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, values, method=None, append_unknown=False)


def check(caller: str, rule: Rule, path: str, method: str, answer: Any, victim: Victim) -> None:
    what = f"{caller}: {method} {path} -> {answer.status_code}"
    body = answer.get_data(as_text=True)
    assert answer.status_code != 500, what
    if (caller, rule.endpoint) not in MAY_SEE:
        assert PLANTED not in body, f"{what} discloses"
    if caller == "anonymous" and rule.endpoint not in OPEN:
        assert answer.status_code == 302, what
        assert answer.headers["Location"].startswith("/login"), what
    elif {victim.link_id, victim.request_id} & set(path.split("/")):
        assert answer.status_code == 404, what
    if rule.endpoint.startswith("gcal.support") and caller in {
        "colleague", "other_customer", "other_tenant", "operator",
    }:  # fmt: skip
        assert answer.status_code == 404, what
    if rule.endpoint == "gcal.operator" and caller not in {"anonymous", "operator"}:
        assert answer.status_code == 404, what


@pytest.mark.parametrize("caller", ["colleague", "other_tenant", "other_support"])
def test_what_is_anothers_looks_like_what_does_not_exist(
    app: Flask, victim: Victim, caller: str
) -> None:
    person = Person(app, CALLERS[caller], language="en")
    for kind, theirs in (("links", victim.link_id), ("request", victim.request_id)):
        one = person.client.get(f"/google-calendar/{kind}/{theirs}/" if kind == "links" else
                                f"/google-calendar/{kind}/{theirs}")  # fmt: skip
        none = str(uuid4())
        other = person.client.get(f"/google-calendar/{kind}/{none}/" if kind == "links" else
                                  f"/google-calendar/{kind}/{none}")  # fmt: skip
        assert (one.status_code, other.status_code) == (404, 404)
        assert without_token(one.text).replace(theirs, "") == without_token(other.text).replace(
            none, ""
        )


def without_token(page: str) -> str:
    """A page without its CSRF token, which holds the second in which it was made."""
    return re.sub(r'(name="csrf_token"[^>]*value=")[^"]+', r"\1", page)


def test_the_victim_does_see_the_planted_word(app: Flask, victim: Victim) -> None:
    """So that the tests above search for something that is there."""
    jan = Person(app, "jan@bakkerij-jansen.example", language="en")
    assert PLANTED in jan.get(f"/google-calendar/request/{victim.request_id}").text
    sam = Person(app, "support@belwinkel.example", language="en")
    for page in ("", "prices", "blocked", "mails", f"requests/{victim.request_id}"):
        assert PLANTED in sam.get(f"/google-calendar/support/{page}?state=all").text, page
    assert json.dumps(sorted(PROBES & OPEN))
