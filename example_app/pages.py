"""The portal's own pages: log in, the overview, the settings page with the plugin's entry."""

from __future__ import annotations

import re

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.exceptions import MethodNotAllowed, NotFound
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from gcal_plugin.web.render import host_page

from .database import db
from .models import User
from .portal import LANGUAGES, DemoPortal
from .seed import PASSWORD

_LOCAL = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*")
blueprint = Blueprint("portal", __name__)

WORDS = {
    "nl": {
        "login": "Inloggen",
        "logout": "Uitloggen",
        "email": "E-mailadres",
        "password": "Wachtwoord",
        "wrong": "Dit e-mailadres en wachtwoord horen niet bij elkaar.",
        "settings": "Instellingen",
        "home": "Mijn telefonie",
        "welcome": "Dag {name}",
        "lines": "Je extensies",
        "number": "Extensie",
        "name": "Naam",
        "public": "Buitennummer",
        "account": "Je account",
        "customer": "Klant",
        "language": "Taal",
        "save": "Opslaan",
        "saved": "Opgeslagen.",
        "missing": "Pagina niet gevonden",
        "missing_more": "Deze pagina bestaat niet. Ga verder vanaf het begin.",
        "desk": "Servicedesk",
        "board": "Beheer",
        "queues": "RQ-dashboard",
        "people": "Demonstratie",
        "demo": "Kijk rond als een van hen, met één druk op de knop. Hun wachtwoord is demo.",
        "role_customer": "klant",
        "role_customer_admin": "klant en beheerder",
        "role_support": "servicedesk",
        "role_operator": "beheer",
    },
    "en": {
        "login": "Log in",
        "logout": "Log out",
        "email": "E-mail address",
        "password": "Password",
        "wrong": "This e-mail address and password do not belong together.",
        "settings": "Settings",
        "home": "My telephony",
        "welcome": "Hello {name}",
        "lines": "Your extensions",
        "number": "Extension",
        "name": "Name",
        "public": "Public number",
        "account": "Your account",
        "customer": "Customer",
        "language": "Language",
        "save": "Save",
        "saved": "Saved.",
        "missing": "Page not found",
        "missing_more": "This page does not exist. Go on from the start.",
        "desk": "Support desk",
        "board": "Operations",
        "queues": "RQ dashboard",
        "people": "Demonstration",
        "demo": "Look around as one of them, with one press. Their password is demo.",
        "role_customer": "customer",
        "role_customer_admin": "customer and administrator",
        "role_support": "support desk",
        "role_operator": "operations",
    },
}


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"w": WORDS[DemoPortal().locale()], "languages": LANGUAGES, "user": current_user}


@blueprint.app_errorhandler(404)
@blueprint.app_errorhandler(405)
def missing(error: NotFound | MethodNotAllowed) -> tuple[str, int, list[tuple[str, str]]]:
    """An address that nothing answers at; the plugin tells of its own pages itself."""
    kept = [one for one in error.get_headers() if one[0] == "Allow"]
    return host_page("portal/missing.html"), error.code or 404, kept


class LoginForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """E-mail address and password."""

    email = EmailField(validators=[InputRequired()])
    password = PasswordField(validators=[InputRequired()])


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Log in, and go on to where the visitor wanted to be."""
    form = LoginForm()
    wrong = False
    if form.validate_on_submit():
        email = str(form.email.data).strip().lower()
        user = db.session.scalar(select(User).where(User.email == email))
        if user is not None and user.has_password(str(form.password.data)) and user.is_active:
            session.clear()
            login_user(user)
            return redirect(_local(request.args.get("next")) or url_for("portal.home"), 303)
        wrong = True
    known = db.session.scalars(select(User).order_by(User.id)).all()
    return host_page(
        "portal/login.html", form=form, wrong=wrong, known=known, password=PASSWORD
    ), 401 if wrong else 200


def _local(path: str | None) -> str | None:
    """A path on this host, and nothing that a browser would read as another one's.

    Browsers take a backslash for a slash, and leave out tabs and line ends before they read.
    """
    if path is None or _LOCAL.fullmatch(path) is None:
        return None
    return path


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Log out and forget the session."""
    logout_user()
    session.clear()
    return redirect(url_for("portal.login"), 303)


@blueprint.get("/")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def home() -> ResponseReturnValue:
    """What the customer has."""
    account = DemoPortal().current_account()
    lines = DemoPortal().extensions(account) if account else []
    return host_page("portal/home.html", lines=lines)


@blueprint.route("/settings", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def settings() -> ResponseReturnValue:
    """The settings page: language, and at the bottom what is linked to the telephony."""
    if request.method == "POST":
        language = request.form.get("language", "")
        if language in LANGUAGES:
            session["language"] = current_user.locale = language
            db.session.commit()
            flash(WORDS[language]["saved"], "ok")
        return redirect(url_for("portal.settings"), 303)
    return host_page("portal/settings.html")
