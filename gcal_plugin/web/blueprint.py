"""The table of addresses, and nothing else: which page answers where.

Every page of one link has two addresses: `/pause` acts on the only link of the account, and
`/links/<id>/pause` on that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint

from . import hooks, limits
from .mounting import exempt_from_csrf, prepare
from .pages import (
    assets,
    calendars,
    connect,
    disconnect,
    entry,
    health,
    live,
    operator,
    pausing,
    plan,
    precautions,
    pull,
    refresh,
    request,
    status,
    stopping,
    support,
    support_tools,
    takeover,
    testing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.typing import ResponseReturnValue

    from ..services.runtime import Runtime


class Route(NamedTuple):
    """One row: name, address, view, methods; `link` gives it the second address of one link."""

    name: str
    rule: str
    view: Callable[..., ResponseReturnValue]
    methods: tuple[str, ...] = ("GET",)
    link: bool = False
    open: bool = False
    """Answers without log-in: a machine brings its own proof, or nothing is disclosed."""


_BOTH = ("GET", "POST")
_POST = ("POST",)

ROUTES = (
    Route("status", "/", status.show, link=True),
    Route("live", "/live", live.fragment, link=True),
    Route("connect", "/connect", connect.begin, _POST, link=True),
    Route("callback", "/callback", connect.callback, open=True),
    Route("calendars", "/calendars", calendars.choose, _BOTH, link=True),
    Route("disconnect", "/disconnect", disconnect.confirm, _BOTH, link=True),
    Route("pause", "/pause", pausing.pause, _POST, link=True),
    Route("resume", "/resume", pausing.resume, _POST, link=True),
    Route("refresh", "/refresh", refresh.refresh, _POST, link=True),
    Route("test", "/test", testing.try_out, _BOTH, link=True),
    Route("plan", "/plan", plan.show, link=True),
    Route("precautions", "/precautions", precautions.edit, _BOTH, link=True),
    Route("take_over", "/take-over", takeover.take_over, _POST, link=True),
    Route("request", "/request", request.ask, _BOTH),
    Route("request_from_mail", "/request/quote/<token>", request.from_mail),
    Route("request_show", "/request/<request_id>", request.show),
    Route("request_answer", "/request/<request_id>/<step>", request.answer, _POST),
    Route("support", "/support/", support.queue),
    Route("support_direct", "/support/direct", support_tools.direct, _BOTH),
    Route("support_prices", "/support/prices", support_tools.prices, _BOTH),
    Route("support_blocked", "/support/blocked", support_tools.blocked, _BOTH),
    Route("support_mails", "/support/mails", support_tools.mails, _BOTH),
    Route("support_stop", "/support/stop", stopping.stop, _BOTH),
    Route("support_request", "/support/requests/<request_id>", support.show),
    Route("support_step", "/support/requests/<request_id>/<step>", support.step, _POST),
    Route("operator", "/operator/", operator.show, _BOTH),
    Route("pull", "/pull/<pbx>/<domain>/<extension>", pull.answer, open=True),
    Route("hook_push", "/hooks/google", hooks.push, _POST, open=True),
    Route("hook_security", "/hooks/google-security", hooks.security_event, _POST, open=True),
    Route("healthz", "/healthz", health.healthz, open=True),
    Route("readyz", "/readyz", health.readyz, open=True),
    Route("metrics", "/metrics", health.metrics, open=True),
    Route("asset", "/static/themes/<theme>/<digest>/<path:name>", assets.asset, open=True),
)
"""Every page of the plugin."""

OPEN = frozenset(f"gcal.{route.name}" for route in ROUTES if route.open)


def mount(app: Flask, runtime: Runtime) -> None:
    """Register the pages of `runtime` in an application, with their themes and languages.

    Raises ThemeFault, by name, for a theme that cannot be used.
    """
    blueprint = Blueprint("gcal", __name__, template_folder="entry_templates")
    prepare(app, blueprint, runtime, open_endpoints=OPEN)
    for route in ROUTES:
        rules = [route.rule, f"/links/<link_id>{route.rule}"] if route.link else [route.rule]
        for rule in rules:
            blueprint.add_url_rule(rule, route.name, route.view, methods=list(route.methods))
    hooks_ = [route.view for route in ROUTES if route.open and "POST" in route.methods]
    exempt_from_csrf(app, hooks_)
    limits.install(app, blueprint, runtime)
    app.jinja_env.globals["gcal_entry_html"] = entry.fragment
    app.register_blueprint(blueprint, url_prefix=runtime.url_prefix)
