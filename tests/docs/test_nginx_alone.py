"""docs/operate/nginx.conf with a portal below a path behind it, and with none at all."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Thread

from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import make_server

from tests.servers.databases import Databases
from tests.support.behind_nginx import (
    ASKED,
    HTTPS,
    NAME,
    QUERY,
    STRANGER,
    TOLD,
    documented_hops,
    keeps_quiet,
    proxy,
)
from tests.support.portal_app import PREFIX, portal


def test_a_portal_below_a_path(databases: Databases, tmp_path: Path) -> None:
    """The two lines that the file has for it, in force."""
    with portal(databases, GCAL_TRUSTED_HOSTS=[NAME]) as app:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, **documented_hops(), x_prefix=1
        )
        server = make_server(f"unix://{tmp_path}/web.sock", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with proxy(tmp_path, below=True) as running, running.client(STRANGER) as web:
                page = web.get(f"{HTTPS}/klant{PREFIX}/", follow_redirects=True)
                assert page.status_code == 200
                assert page.url.path == "/klant/login"
                assert page.url.params["next"] == f"/klant{PREFIX}/"
                (style, *_) = re.findall(r'href="(/klant/[^"]+/gcal\.css)"', page.text)
                assert web.get(f"{HTTPS}{style}").headers["content-encoding"] == "gzip"
                assert web.get(f"{HTTPS}/klant{PREFIX}/metrics").status_code == 403
                line = f"{HTTPS}/klant{PREFIX}{ASKED}"
                assert web.get(line).status_code == 404
                assert web.get(line.replace("https", "http")).status_code == 301
                keeps_quiet(running)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def test_nor_while_the_portal_is_away(tmp_path: Path) -> None:
    """nginx has something to say about each request then: that it failed, and no more."""
    with proxy(tmp_path) as alone:
        with alone.client() as web:
            for path in ("/callback", "/", "/static/x.css", "/metrics", ASKED, TOLD):
                answer = web.get(
                    f"{HTTPS}{PREFIX}{path}{QUERY}",
                    headers={"Referer": f"{HTTPS}{PREFIX}/callback{QUERY}"},
                )
                assert answer.status_code == 502
        failed = re.findall(rf'"GET {PREFIX}/.*" 502 [\d.]+ 502$', alone.logs(), re.MULTILINE)
        assert len(failed) == 6
        keeps_quiet(alone)
        assert f'"GET {PREFIX}/callback" 502 ' in alone.logs()
