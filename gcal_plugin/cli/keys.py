"""`flask gcal keys`: a fresh key, and everything sealed again with it."""

from __future__ import annotations

import click

from ..services import rotating
from ..store.crypto import new_key
from .shared import as_json, gcal, progress, runtime, tell
from .support import ACTOR


@gcal.group()
def keys() -> None:
    """The keys that seal tokens in the database."""


@keys.command("new", with_appcontext=False)
@as_json
def new(as_json: bool) -> None:
    """Print a fresh key; it goes last into GCAL_ENCRYPTION_KEYS everywhere before it goes first."""
    key = new_key()
    tell({"key": key}, as_json=as_json, text=key)


@keys.command("rotate")
@click.option("--batch", default=100, show_default=True, type=click.IntRange(1, 10_000))
@as_json
def rotate(batch: int, as_json: bool) -> None:
    """Seal everything with the first key of GCAL_ENCRYPTION_KEYS; the product goes on meanwhile.

    Killed half-way, it is simply started again. Afterwards the older keys can be taken out of the
    setting, unless values were lost (their key is missing).
    """
    rt = runtime()
    with progress("sealing again", rotating.waiting(rt), task="rotate") as advance:
        done = rotating.rotate(rt, actor=ACTOR, batch=batch, told=advance)
    tell(
        {"sealed_again": done.sealed_again, "lost": done.lost},
        as_json=as_json,
        text=f"{done.sealed_again} sealed again, {done.lost} open with no key that is there",
    )
    if done.lost:
        raise SystemExit(1)


@keys.command("status")
@as_json
def status(as_json: bool) -> None:
    """Show how many values each key sealed; a key that is missing has ? before it."""
    counts = rotating.counts(runtime())
    text = "\n".join(f"{key}: {count}" for key, count in sorted(counts.items())) or "nothing"
    tell(counts, as_json=as_json, text=text)
