"""`flask gcal worker`, `clock`, `reconcile` and `explain --link`: what runs, and why."""

from __future__ import annotations

import signal
from dataclasses import asdict
from datetime import datetime
from threading import Event
from uuid import UUID

import click
from flask import Flask, current_app

from .shared import as_json, gcal, runtime, tell

QUEUES = ["gcal-switch", "gcal-sync", "gcal-care", "gcal-mail"]


def _application() -> Flask:
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def _stop_on_signal() -> Event:
    stop = Event()

    def ask(*_: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


@gcal.command()
@click.option("--queue", type=click.Choice(QUEUES), help="Serve this queue only.")
@click.option("--switchers", default=1, show_default=True, help="Workers for the switching queue.")
@click.option("--burst", is_flag=True, help="End when the queue is empty (needs --queue).")
def worker(queue: str | None, switchers: int, burst: bool) -> None:
    """Carry out what the clock and the pages ask for: one process a queue.

    Without --queue all of them, each started again when it dies: at once where it had lived for
    a minute, else after half a second, doubled with each early death up to half a minute.
    """
    from ..jobs.queues import QueueName

    if queue is not None:
        from ..jobs.worker import work

        work(_application(), QueueName(queue), burst=burst)
        return
    if burst:
        raise click.UsageError("--burst needs --queue")
    from ..jobs.pool import run_pool

    counts = dict.fromkeys(QueueName, 1) | {QueueName.SWITCH: switchers}
    run_pool(counts, _stop_on_signal())


@gcal.command()
def clock() -> None:
    """Look at what falls due and ask for it; several may run, one leads."""
    from ..jobs.clock import Clock

    Clock(_application()).run(_stop_on_signal())


@gcal.command()
@click.argument("pbx", required=False)
@as_json
def reconcile(pbx: str | None, as_json: bool) -> None:
    """Compare what the exchange PBX (or every one) holds with our records, and mend differences."""
    from ..services import switching

    rt = runtime()
    if pbx is not None and pbx not in rt.telephony:
        raise click.BadParameter(f"no exchange named {pbx!r}", param_hint="PBX")
    failed = False
    for name in [pbx] if pbx is not None else sorted(rt.telephony):
        report = switching.sweep(rt, name, again=True)
        failed = failed or bool(report.failed)
        words = report.failed or (
            f"{report.read} read, {report.same} right, {report.repaired} being repaired, "
            f"{report.left_alone} left alone, {report.contested} contested, "
            f"{report.unread} unreadable, {report.tried_again} tried again"
        )
        tell({"pbx": name, **asdict(report)}, as_json=as_json, text=f"{name}: {words}")
    if failed:
        raise SystemExit(1)


def explain_link(link_id: UUID, at: str | None, *, as_json: bool) -> None:
    """Print what a link does, or did, at an instant."""
    from ..services.explaining import UnknownLink, explain_at

    try:
        instant = datetime.fromisoformat(at) if at is not None else None
    except ValueError:
        raise click.BadParameter("not an ISO 8601 instant", param_hint="--at") from None
    if instant is not None and instant.tzinfo is None:
        raise click.BadParameter("needs an offset, like +01:00", param_hint="--at")
    try:
        answer = explain_at(runtime(), link_id, instant)
    except UnknownLink:
        raise click.BadParameter("no such link", param_hint="--link") from None
    active = ", ".join(one["value"] for one in answer["active"]) or "nobody: its own route"
    lines = [f"at {answer['at']}: {active}", f"next edge: {answer['next_edge'] or 'none'}"]
    lines += [
        f"  {event['start']} - {event['end']}  {event['value'] or event['kind']}"
        f"{'' if event['allowed'] else '  (' + str(event['reason']) + ')'}"
        for event in answer["events"]
    ]
    lines += [
        f"  sent {one['at']} ({one['cause']}): "
        f"{', '.join(to['value'] for to in one['active']) or 'its own route'}; {one['outcome']}"
        f"{' (' + one['detail'] + ')' if one['detail'] else ''}"
        for one in answer["switches"]
    ]
    tell(answer, as_json=as_json, text="\n".join(lines))
