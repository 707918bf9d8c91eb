"""Binds the parts to a running server: the table of routes, start and stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import api_calendars, api_channels, api_events
from .calendar_pages import CalendarPages
from .clock import Clock
from .control import Control
from .control_bulk import BulkControl
from .control_levers import Levers
from .control_page import ControlPage
from .faults import Switchboard
from .gate import Handler, endpoint
from .html import no_icon, style
from .journal import Journal, Quota
from .keys import Keys
from .oauth_pages import AuthorizationPages
from .oauth_token import TokenEndpoints
from .options import Options
from .push import Pusher
from .risc import Transmitter
from .risc_api import RiscApi
from .seed import seed
from .server import Server
from .state import State
from .storage import Storage

API = "/calendar/v3"
SERVER: web.AppKey[Server] = web.AppKey("server", Server)
_CALENDAR_API: list[tuple[str, str, str, Handler]] = [
    ("calendarList.list", "GET", "/users/me/calendarList", api_calendars.list_calendars),
    ("calendarList.get", "GET", "/users/me/calendarList/{calendar}", api_calendars.get_entry),
    ("calendars.get", "GET", "/calendars/{calendar}", api_calendars.get_calendar),
    ("events.list", "GET", "/calendars/{calendar}/events", api_events.list_events),
    ("events.insert", "POST", "/calendars/{calendar}/events", api_events.insert),
    ("events.import", "POST", "/calendars/{calendar}/events/import", api_events.import_event),
    ("events.watch", "POST", "/calendars/{calendar}/events/watch", api_channels.watch),
    ("events.get", "GET", "/calendars/{calendar}/events/{event}", api_events.get),
    ("events.patch", "PATCH", "/calendars/{calendar}/events/{event}", api_events.patch),
    ("events.update", "PUT", "/calendars/{calendar}/events/{event}", api_events.update),
    ("events.delete", "DELETE", "/calendars/{calendar}/events/{event}", api_events.delete),
    (
        "events.instances",
        "GET",
        "/calendars/{calendar}/events/{event}/instances",
        api_events.list_instances,
    ),
    ("channels.stop", "POST", "/channels/stop", api_channels.stop),
]


def build(options: Options, data: Path | None, seed_name: str) -> Server:
    """A server with its state loaded, and filled where it was empty."""
    clock = Clock()
    state = State(Storage(data), clock)
    faults = Switchboard()
    keys = Keys(state)
    pusher = Pusher(state, faults, options)
    server = Server(
        options=options,
        state=state,
        faults=faults,
        journal=Journal(clock),
        quota=Quota(clock),
        keys=keys,
        pusher=pusher,
        transmitter=Transmitter(state, keys, pusher, options),
    )
    seed(state, seed_name)
    state.storage.flush()
    return server


def application(server: Server) -> web.Application:
    """The web application of one server."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app[SERVER] = server
    app.cleanup_ctx.append(_running)
    for name, method, path, handler in _CALENDAR_API:
        app.router.add_route(method, API + path, endpoint(server, name, handler))
    tokens = TokenEndpoints(server)
    pages = AuthorizationPages(server, tokens)
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", tokens.configuration),
            web.get("/oauth2/v3/certs", tokens.certs),
            web.get("/userinfo", tokens.userinfo),
            web.post("/token", tokens.token),
            web.post("/revoke", tokens.revoke),
            web.get("/o/oauth2/v2/auth", pages.start),
            web.get("/signin/choose", pages.choose),
            web.post("/signin/consent", pages.decide),
            web.get("/permissions", pages.permissions),
            web.post("/permissions/remove", pages.remove),
            web.get("/static/local-google.css", style),
            web.get("/favicon.ico", no_icon),
        ]
    )
    app.add_routes(CalendarPages(server).routes())
    app.add_routes(ControlPage(server).routes())
    risc = RiscApi(server)
    app.add_routes(risc.routes())
    app.add_routes(Control(server).routes())
    app.add_routes(Levers(server).routes())
    app.add_routes(BulkControl(server, risc).routes())
    return app


async def _running(app: web.Application) -> AsyncIterator[None]:
    server = app[SERVER]
    await server.pusher.open()
    yield
    await server.pusher.close()
    server.state.storage.close()
