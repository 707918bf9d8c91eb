"""Rendering of the pages: templates without script or inline style, and a strict policy."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .i18n import choose, words

_HERE = Path(__file__).parent
STYLE = _HERE / "static" / "local-google.css"
_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    request: web.Request, template: str, *, status: int = 200, form_target: str = "", **context: Any
) -> web.Response:
    """One HTML page; `form_target` is another origin that its form may end up at."""
    language = choose(request.headers.get("Accept-Language", ""))
    said = words(language)

    def t(key: str, **values: Any) -> str:
        return said[key].format(**values)

    translate: Callable[..., str] = t
    text = _environment.get_template(template).render(t=translate, language=language, **context)
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {form_target}".rstrip()
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
    }
    return web.Response(
        text=text, status=status, content_type="text/html", charset="utf-8", headers=headers
    )


async def style(request: web.Request) -> web.StreamResponse:
    """The one style sheet."""
    return web.FileResponse(STYLE, headers={"Cache-Control": "max-age=300"})


async def no_icon(request: web.Request) -> web.StreamResponse:
    """Browsers ask for an icon; there is none."""
    return web.Response(status=204)


def is_loopback(host: str) -> bool:
    """Whether a host in an address is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name


def own_page(request: web.Request) -> None:
    """Refuse (403) a form that another site made the browser send."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="This form belongs to another page.")
