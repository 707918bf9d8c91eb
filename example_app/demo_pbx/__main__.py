"""`python -m example_app.demo_pbx --port 0 --data FILE --secret whsec_...`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from gcal_plugin.telephony.exchange import MemoryExchange
from gcal_plugin.telephony.faults import webhook_secret

from .control import Control
from .faults import Faults
from .journal import Journal
from .receiver import Receiver
from .server import PbxServer


def make_server(port: int, secret: str, data: Path | None, lines: Path | None) -> PbxServer:
    """A server that holds what its journal says it held."""
    exchange = MemoryExchange()
    if lines is not None:
        known = json.loads(lines.read_text("utf-8"))
        exchange.lines = {domain: frozenset(numbers) for domain, numbers in known.items()}
    if data is not None:
        journal = Journal(data)
        exchange.restore(journal.read())
        exchange.on_write = journal.append
    faults = Faults()
    return PbxServer(Receiver(exchange, secret, faults), Control(exchange, faults), port)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; prints `ready <address>` once it listens."""
    parser = argparse.ArgumentParser(prog="demo_pbx", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data", type=Path, help="file that keeps what is held")
    parser.add_argument("--lines", type=Path, help="JSON file: extensions by domain")
    parser.add_argument("--secret", required=True, type=webhook_secret, help="whsec_...")
    given = parser.parse_args(arguments)
    server = make_server(given.port, given.secret, given.data, given.lines)

    def stop(*_: object) -> None:
        # shutdown() waits for serve_forever, which this very thread is running.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"ready {server.address}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
