"""`flask seed`: the portal's tables and people, and one extension that is provisioned already."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from gcal_plugin.services.linking import provision_link

from .database import Base, db
from .models import Customer, ExtensionRow, User

PASSWORD = "demo"

_CUSTOMERS = [
    (1, "belwinkel", "BW1001", "Bakkerij Jansen", "bakkerij-jansen.example"),
    (2, "havenstem", "HS2001", "Tandartspraktijk De Vries", "tandarts-devries.example"),
]
_LINES = [
    (1, "200", "Winkel", "phone", "+31201234567"),
    (1, "201", "Kantoor", "phone", "+31201234568"),
    (1, "300", "Bestellijn", "group", ""),
    (1, "333", "Werkplaats", "phone", ""),
    (2, "200", "Balie", "phone", "+31102345678"),
    (2, "333", "Spoedlijn", "phone", ""),
]
_PEOPLE = [
    (1, "belwinkel", 1, "jan@bakkerij-jansen.example", "Jan Jansen", "customer"),
    (2, "belwinkel", 1, "els@bakkerij-jansen.example", "Els Jansen", "customer customer_admin"),
    (3, "havenstem", 2, "praktijk@tandarts-devries.example", "Femke de Vries", "customer"),
    (4, "belwinkel", None, "support@belwinkel.example", "Sam van Belwinkel", "support"),
    (5, "havenstem", None, "hulp@havenstem.example", "Hugo van Havenstem", "support"),
    (6, "belwinkel", None, "operator@belwinkel.example", "Otto Operator", "operator"),
]


@click.command("seed")
@with_appcontext
def command() -> None:
    """Make the portal's tables and the demonstration's people; harmless to repeat."""
    Base.metadata.create_all(db.engine)
    if db.session.scalar(select(User).limit(1)) is None:
        _people()
    for account, domain in (("1", "bakkerij-jansen.example"), ("3", "tandarts-devries.example")):
        provision_link(
            current_app.extensions["gcal"],
            tenant_id="belwinkel" if account == "1" else "havenstem",
            account_id=account,
            domain=domain,
            extension="200",
            actor="system",
        )
    click.echo("the demonstration's accounts are there")


def _people() -> None:
    db.session.add_all(
        Customer(id=key, tenant_id=tenant, code=code, name=name, domain=domain)
        for key, tenant, code, name, domain in _CUSTOMERS
    )
    db.session.flush()
    for customer, number, name, kind, public in _LINES:
        db.session.add(
            ExtensionRow(
                customer_id=customer, number=number, name=name, kind=kind, public_number=public
            )
        )
    for key, tenant, person_of, email, name, roles in _PEOPLE:
        user = User(
            id=key, tenant_id=tenant, customer_id=person_of, email=email, name=name, roles=roles
        )
        user.set_password(PASSWORD)
        db.session.add(user)
    db.session.commit()
