"""A portal as it is before the plugin is mounted: people, telephones, a log-in, a settings page."""

from __future__ import annotations

from pathlib import Path

USERS = """
import flask_login
from flask_sqlalchemy import SQLAlchemy

db, login_manager = SQLAlchemy(), flask_login.LoginManager()


class User(flask_login.UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email, name, customer_code, customer_name, domain, language = (
        db.Column(db.String(80), name=name)
        for name in ("email", "name", "customer_code", "customer_name", "domain", "language")
    )
    is_admin = db.Column(db.Boolean)
    is_active = db.Column(db.Boolean)


class Phone(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    number, name, domain = (db.Column(db.String(80), name=n) for n in ("number", "name", "domain"))


@login_manager.user_loader
def load(user_id):
    return db.session.get(User, int(user_id))


def fill():
    db.create_all()
    db.session.add(
        User(
            email="jan@bakery.example", name="Jan", customer_code="K1", customer_name="Bakery",
            domain="bakery.example", language="en", is_admin=False, is_active=True,
        )
    )
    db.session.add(Phone(number="200", name="Shop", domain="bakery.example"))
    db.session.commit()
"""
PAGES = """
import flask
from flask_login import login_user

from . import users


def add(app):
    @app.route("/login")
    def login():
        login_user(users.db.session.get(users.User, 1))
        return flask.redirect(flask.request.args.get("next", "/"))

    @app.route("/")
    def settings():
        return flask.render_template("settings.html")

    return app
"""


WHOLE = """
from myportal import create_app as make
from myportal.pages import add


def create_app():
    return add(make())
"""


def write(folder: Path, settings_page: str) -> None:
    """Put the package `myportal` into a folder, less what `docs/mount.md` adds to it.

    `whole:create_app` makes the application of that page, and adds the portal's own pages.
    """
    package = folder / "myportal"
    (package / "templates").mkdir(parents=True)
    (package / "templates" / "settings.html").write_text(f"<h1>Settings</h1>{settings_page}")
    (package / "users.py").write_text(USERS)
    (package / "pages.py").write_text(PAGES)
    (folder / "whole.py").write_text(WHOLE)
