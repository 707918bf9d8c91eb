"""Run the local Google: `python -m example_app.fake_google --port 0 --data FILE`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from .app import application, build
from .options import Options


def main() -> None:
    """Parse the arguments and serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="example_app.fake_google", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--data", type=Path, help="SQLite file; without it nothing is kept")
    parser.add_argument("--seed", choices=("demo", "empty"), default="demo")
    parser.add_argument("--public-url", default="", help="as clients see it, if not host:port")
    parser.add_argument(
        "--check-schema", action="store_true", help="check every answer; see /_control/violations"
    )
    parser.add_argument(
        "--control-token", default="", help="bearer for /_control; without it this machine only"
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="also end when stdin does: a parent that dies takes this along",
    )
    asyncio.run(_serve(parser.parse_args()))


async def _serve(args: argparse.Namespace) -> None:
    options = Options(
        public_url=args.public_url,
        check_schema=args.check_schema,
        control_token=args.control_token,
    )
    server = build(options, args.data, args.seed)
    runner = web.AppRunner(
        application(server), access_log=None, handle_signals=False, shutdown_timeout=1.0
    )
    await runner.setup()
    site = web.TCPSite(runner, args.host, args.port, backlog=1_024)
    await site.start()
    port = runner.addresses[0][1]
    options.public_url = args.public_url or f"http://{args.host}:{port}"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if args.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _until_closed, loop, stop)
    sys.stdout.write(f"ready http://{args.host}:{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


def _until_closed(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4_096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


if __name__ == "__main__":
    main()
