"""A portal as unlike the example as may be: its own users, pages, log-in and place on the web.

No Flask-Login, no Flask-WTF set-up, no theme: people are rows with a text key, a signed cookie
says who they are, the pages are the portal's own in another look, the application is made by a
factory, lives below a path (`SCRIPT_NAME`) behind a proxy, and mounts the plugin elsewhere than by
default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from gcal_plugin import GCalPlugin

from .berths import BerthPortal

MOUNTED = "/telefonie/agenda"
COOKIE = "kade"

db = SQLAlchemy()
pages = Blueprint("quay", __name__)


def create_app(config: Mapping[str, Any]) -> Flask:
    """The portal of the harbour."""
    app = Flask("tests.foreign.harbour")
    app.config.from_mapping(config)
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1
    )
    db.init_app(app)
    app.extensions["harbour_seal"] = URLSafeSerializer(app.config["SECRET_KEY"], "kade")
    app.before_request(_who)
    GCalPlugin(portal=BerthPortal(db)).init_app(app, db=db, url_prefix=MOUNTED)
    app.register_blueprint(pages)
    return app


def make_tables() -> None:
    """The harbour's one table, by hand, and its people."""
    with db.engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE skipper (handle TEXT PRIMARY KEY, post TEXT, berth TEXT, boss TEXT)")
        )
        connection.execute(
            text("INSERT INTO skipper VALUES ('sk-ada', 'ada@kade.example', '41', 'ja'), "
                 "('sk-bo', 'bo@kade.example', '42', 'nee')")
        )  # fmt: skip


def _who() -> None:
    g.skipper = None
    seal: URLSafeSerializer = _app().extensions["harbour_seal"]
    try:
        g.skipper = seal.loads(request.cookies.get(COOKIE, ""))
    except BadSignature:
        return


def _app() -> Flask:
    from flask import current_app

    return current_app


@pages.get("/")
def quay() -> ResponseReturnValue:
    """The portal's own page, with the plugin's entry on it."""
    return render_template("quay.html", skipper=g.skipper)


@pages.get("/aanmonsteren/<handle>")
def sign_on(handle: str) -> ResponseReturnValue:
    """Log in; the harbour trusts everybody who knows a handle."""
    answer = redirect(request.args.get("naar") or f"{request.script_root}/")
    seal: URLSafeSerializer = _app().extensions["harbour_seal"]
    answer.set_cookie(COOKIE, str(seal.dumps(handle)), httponly=True, samesite="Lax")
    return answer
