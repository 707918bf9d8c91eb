"""`doctor`: every neighbour asked how it is, each finding with its mend. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa
from redis import Redis, RedisError
from sqlalchemy.exc import SQLAlchemyError

from ..store import migrate
from ..store.store import database_now
from .checking import Finding, check_exchange
from .doctor_google import google
from .leading import last_beat
from .rotating import counts
from .runtime import Runtime
from .signals import BEAT_LIMIT, CLOCK

_SKEW_SECONDS = 1.0


def examine(rt: Runtime) -> Iterator[Finding]:
    """Each finding as it is made; a neighbour that is away never stops the others."""
    yield from _database(rt)
    yield from _keys(rt)
    yield from _clock(rt)
    yield from _redis(rt)
    yield from google(rt)
    for name, exchange in sorted(rt.telephony.items()):
        for one in check_exchange(exchange):
            yield Finding(f"exchange {name}: {one.what}", one.ok, one.detail, one.mend)
    yield from _tenants(rt)


def _database(rt: Runtime) -> Iterator[Finding]:
    try:
        with rt.store.begin() as session:
            session.execute(sa.select(1))
            now = database_now(session)
        held, newest = migrate.current(rt.store.engine), migrate.head()
    except SQLAlchemyError as error:
        kind = type(error).__name__
        yield Finding("database", False, kind, "Check DATABASE_URL and that the server runs.")
        return
    kind = rt.store.engine.dialect.name
    yield Finding("database", True, kind)
    detail = f"{held or 'none'} (this version: {newest})"
    if not migrate.serves(held):
        yield Finding("tables", False, detail, "Run `flask gcal db upgrade`.")
    elif held != newest:
        mend = "They are of a newer version and serve this one: restart this machine on that one."
        yield Finding("tables", True, detail, mend)
    else:
        yield Finding("tables", True, detail)
    skew = abs((datetime.now(UTC) - now).total_seconds())
    mend = "" if skew < _SKEW_SECONDS else "Let both machines keep time with NTP (chrony)."
    yield Finding("clock against the database's", not mend, f"{skew:.2f} s", mend)


def _keys(rt: Runtime) -> Iterator[Finding]:
    """Which keys this machine has, and whether it opens what the others seal."""
    what, keyring = "encryption keys", rt.store.keyring
    try:
        held = counts(rt)
    except SQLAlchemyError:
        return  # told as the database's, or as its tables'
    first, *others = keyring.ids
    detail = f"{first} seals" + (f", {', '.join(others)} opens too" if others else "")
    unknown = {key[1:]: count for key, count in held.items() if key.startswith("?")}
    older = sum(count for key, count in held.items() if key in others)
    if unknown:
        told = ", ".join(f"{key} ({count})" for key, count in sorted(unknown.items()))
        mend = (
            "Add that key behind the others in this machine's GCAL_ENCRYPTION_KEYS and restart it. "
            "If it is gone for good, its customers connect again."
        )
        yield Finding(what, False, f"{detail}; sealed with a key that is not here: {told}", mend)
    elif older:
        mend = "Once every process has been restarted with this order: `flask gcal keys rotate`."
        yield Finding(what, True, f"{detail}; {older} values wait for the first", mend)
    else:
        yield Finding(what, True, detail)


def _clock(rt: Runtime) -> Iterator[Finding]:
    try:
        beat = last_beat(rt, CLOCK)
    except SQLAlchemyError:
        return  # told as the database's
    mend = "Start `flask gcal clock`: without it nothing starts or ends."
    if beat is None:
        yield Finding("clock", False, "has never run", mend)
        return
    age = beat[1].total_seconds()
    alive = age < BEAT_LIMIT
    yield Finding("clock", alive, f"last beat {age:.0f} s ago", "" if alive else mend)


def _redis(rt: Runtime) -> Iterator[Finding]:
    redis = rt.extras.get("redis")
    if not isinstance(redis, Redis):
        return
    try:
        redis.ping()
    except RedisError as error:
        mend = "Check GCAL_REDIS_URL; without Redis the clock switches by itself, more slowly."
        yield Finding("redis", False, type(error).__name__, mend)
        return
    yield Finding("redis", True)
    try:
        # Not by CONFIG: hosted servers refuse that, and a user of few rights may not use it.
        policy = str(redis.info("memory").get("maxmemory_policy"))
    except RedisError as error:
        mend = "See by hand that its maxmemory-policy is noeviction; this user may not use INFO."
        yield Finding("redis policy", False, type(error).__name__, mend)
        return
    safe = policy == "noeviction"
    mend = "" if safe else "Set maxmemory-policy noeviction: evicted wake-ups come late."
    yield Finding("redis policy", safe, policy, mend)


def _tenants(rt: Runtime) -> Iterator[Finding]:
    try:
        tenants = list(rt.portal.tenants())
    except Exception as error:  # noqa: BLE001 (the host's own code)
        mend = "The portal's `tenants` breaks; it has to answer without a request, too."
        yield Finding("portal", False, type(error).__name__, mend)
        return
    for tenant in tenants:
        if tenant.pbx not in rt.telephony:
            mend = f"Name {tenant.pbx!r} in GCAL_TELEPHONY, or select another in the portal."
            yield Finding(f"tenant {tenant.id}", False, f"exchange {tenant.pbx!r} unknown", mend)
