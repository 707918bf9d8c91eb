"""`python -m example_app.mailbox --smtp-port 0 --port 0 --data DIR`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from .catcher import SmtpServer
from .kept import Kept
from .page import make_app


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; prints `ready <page> <smtp>` once both listen."""
    parser = argparse.ArgumentParser(prog="mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the letters")
    given = parser.parse_args(arguments)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    kept = Kept(given.data)
    smtp = SmtpServer(kept, given.smtp_port).start()
    page = make_server("127.0.0.1", given.port, make_app(kept), threaded=True)

    def stop(*_: object) -> None:
        # shutdown() waits for serve_forever, which this very thread is running.
        threading.Thread(target=page.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready = f"ready http://127.0.0.1:{page.server_port} smtp://127.0.0.1:{smtp.port}"
    print(ready, flush=True)
    page.serve_forever(poll_interval=0.1)
    page.server_close()
    smtp.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
