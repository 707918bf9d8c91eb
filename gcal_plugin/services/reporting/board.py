"""The operators' board: whose forwarding is wrong now, why, and how punctual everybody is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ...domain import buckets
from ...store import queries_board as queries
from ...store.queries_reporting import last_edges
from ...store.queries_signals import AGES, OVERDUE
from ...store.tables import Forwarding, Link, MailOut, Request
from ..runtime import Runtime
from ..signals import DAYS, Signals, gather
from ..tallying import Histogram, together
from .machinery import Halted, halted

SHOWN = 100
"""The most rows of one kind; the counts tell how many there are."""


class Wrong(StrEnum):
    """What can be wrong, the gravest first."""

    OVERDUE = "overdue"
    BROKEN = "broken"
    REFUSED = "refused"
    UNVERIFIED = "unverified"
    QUARANTINED = "quarantined"
    CONTESTED = "contested"
    STALE = "stale"
    HOLDER = "holder"
    MAIL = "mail"
    REQUEST = "request"


MENDED_BY_CUSTOMER = frozenset({"revoked"})
"""Reasons that only the link's owner can mend: a retry would do nothing."""


@dataclass(frozen=True, slots=True)
class WrongRow:
    """One thing that is wrong, with the key of its retry: opaque ids and codes only."""

    wrong: Wrong
    key: str
    """What `repairing.retry` takes."""
    tenant_id: str
    pbx: str
    domain: str
    extension: str
    since: datetime | None
    reason: str
    """A stable code, or the exchange's own words."""
    retry: bool = True


@dataclass(frozen=True, slots=True)
class TenantRow:
    """One tenant on one exchange."""

    tenant_id: str
    pbx: str
    lines: int
    forwarding: int
    wrong: dict[Wrong, int]
    switches: int
    p50: float | None
    p99: float | None

    @property
    def total(self) -> int:
        """How many of its lines are wrong."""
        return sum(self.wrong.values())


@dataclass(frozen=True, slots=True)
class BoardView:
    """The whole board at one moment."""

    signals: Signals
    rows: list[WrongRow]
    tenants: list[TenantRow]
    counts: dict[Wrong, int]
    late: buckets.Counts
    """Switches of the last days, by lateness (`domain.buckets`)."""
    ages: list[int]
    """Calendars by age of their last fetch, up to each of `age_bounds`."""
    p50: float | None
    p99: float | None
    tenant_id: str = ""
    pbx: str = ""
    age_bounds: tuple[int, ...] = AGES
    days: int = DAYS
    choices: list[tuple[str, str]] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How much is wrong in all."""
        return sum(self.counts.values())

    @property
    def halted(self) -> list[Halted]:
        """What of our own stands still; then the rest may be wrong without anybody's telling."""
        return halted(self.signals)

    @property
    def switches(self) -> int:
        """How many switches the punctuality is of."""
        return sum(self.late)


def board(rt: Runtime, *, tenant_id: str = "", pbx: str = "") -> BoardView:
    """The board, of everything or of one tenant or exchange; a fixed number of queries."""
    seen = gather(rt)
    rows, others = _rows(rt, tenant_id, pbx)

    def ours(tenant: str, exchange: str) -> bool:
        return tenant_id in {"", tenant} and pbx in {"", exchange}

    late = [one for one in seen.late_days if ours(one.tenant_id, one.pbx)]
    all_late = together(late)
    tenants = _tenants(seen, seen.late_days)
    shown = [one for one in tenants if ours(one.tenant_id, one.pbx)]
    counts = _counts(shown, others)
    return BoardView(
        signals=seen,
        rows=rows,
        tenants=shown,
        counts=counts,
        late=all_late,
        ages=seen.sync_ages,
        p50=buckets.quantile(all_late, 0.5),
        p99=buckets.quantile(all_late, 0.99),
        tenant_id=tenant_id,
        pbx=pbx,
        choices=[(one.tenant_id, one.pbx) for one in tenants],
    )


def _counts(tenants: list[TenantRow], others: dict[Wrong, int]) -> dict[Wrong, int]:
    """How much of each kind there is; rows may be fewer, `SHOWN` of a kind at most."""
    counts: dict[Wrong, int] = defaultdict(int, others)
    for tenant in tenants:
        for wrong, count in tenant.wrong.items():
            counts[wrong] += count
    return {wrong: counts[wrong] for wrong in Wrong}


def _tenants(seen: Signals, late: list[Histogram]) -> list[TenantRow]:
    wrong: dict[tuple[str, str], dict[Wrong, int]] = defaultdict(dict)
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for row in seen.lines:
        key = (row.tenant_id, row.pbx)
        totals[key] = (row.lines, row.forwarding)
        wrong[key] |= {
            # A failed push counts once: as refused, or where nobody knows what landed.
            Wrong.REFUSED: row.refused - row.unverified,
            Wrong.UNVERIFIED: row.unverified,
            Wrong.QUARANTINED: row.quarantined,
            Wrong.CONTESTED: row.contested,
            Wrong.OVERDUE: row.overdue,
        }
    for tenant, pbx, _, count in seen.broken:
        found = wrong[tenant, pbx]
        found[Wrong.BROKEN] = found.get(Wrong.BROKEN, 0) + count
    for tenant, pbx, count in seen.stale:
        wrong[tenant, pbx][Wrong.STALE] = count
    for tenant, pbx, count in seen.lost_holders:
        wrong[tenant, pbx][Wrong.HOLDER] = count
    by_key = {(one.tenant_id, one.pbx): one.counts for one in late}
    rows = []
    for key in sorted({*totals, *wrong, *by_key}):
        counts = by_key.get(key, buckets.empty())
        lines, forwarding = totals.get(key, (0, 0))
        rows.append(
            TenantRow(
                tenant_id=key[0],
                pbx=key[1],
                lines=lines,
                forwarding=forwarding,
                wrong={kind: count for kind, count in wrong[key].items() if count},
                switches=sum(counts),
                p50=buckets.quantile(counts, 0.5),
                p99=buckets.quantile(counts, 0.99),
            )
        )
    return sorted(rows, key=lambda row: (-row.total, row.tenant_id, row.pbx))


def _rows(rt: Runtime, tenant_id: str, pbx: str) -> tuple[list[WrongRow], dict[Wrong, int]]:
    """The rows, and how many there are of the kinds that are no line's."""
    others: dict[Wrong, int] = {}
    with rt.store.begin() as session:
        now = rt.store.now(session)
        on_link = [Link.tenant_id == tenant_id] if tenant_id else []
        on_link += [Link.pbx == pbx] if pbx else []
        lines = queries.wrong_lines(session, now, on_link, SHOWN)
        # One that is refused for good waits for its next edge: what failed is in the ledger.
        later = [link.id for link, row in lines if row.last_error and (row.asked_at or now) >= now]
        edges = last_edges(session, later, now)
        rows = [_line(link, row, edges.get(link.id, row.asked_at), now) for link, row in lines]
        rows += [_broken(link) for link in queries.broken_links(session, on_link, SHOWN)]
        rows += [
            _of(Wrong.STALE, link, calendar.synced_at, calendar.last_error or "late")
            for link, calendar in queries.stale_rows(session, now, on_link, SHOWN)
        ]
        rows += [
            _of(Wrong.HOLDER, link, link.holder_lost_at, link.holder_fault or "")
            for link in queries.lost_holders(session, on_link, SHOWN)
        ]
        if not pbx:
            on_request = [Request.tenant_id == tenant_id] if tenant_id else []
            rows += [_request(one) for one in queries.stuck_rows(session, now, on_request, SHOWN)]
            on_mail = [MailOut.tenant_id == tenant_id] if tenant_id else []
            rows += [_mail(one) for one in queries.failed_mails(session, on_mail, SHOWN)]
            others[Wrong.REQUEST] = queries.stuck_count(session, now, on_request)
            others[Wrong.MAIL] = queries.failed_mail_count(session, on_mail)
    order = {wrong: place for place, wrong in enumerate(Wrong)}
    rows.sort(key=lambda row: (order[row.wrong], row.since is None, row.since))
    return rows, others


def _of(
    wrong: Wrong, link: Link, since: datetime | None, reason: str, *, retry: bool = True
) -> WrongRow:
    return WrongRow(
        wrong, str(link.id), link.tenant_id, link.pbx, link.domain, link.extension, since, reason,
        retry,
    )  # fmt: skip


def _broken(link: Link) -> WrongRow:
    reason = link.broken_reason or ""
    retry = reason not in MENDED_BY_CUSTOMER and link.calendar_id is not None
    return _of(Wrong.BROKEN, link, link.broken_at, reason, retry=retry)


def _line(link: Link, row: Forwarding, failing_since: datetime | None, now: datetime) -> WrongRow:
    if row.quarantined_at is not None:
        return _of(Wrong.QUARANTINED, link, row.quarantined_at, row.last_error or "")
    if row.last_error is not None:
        in_doubt = row.settled < row.generation
        wrong = Wrong.UNVERIFIED if in_doubt else Wrong.REFUSED
        return _of(wrong, link, failing_since, row.last_error)
    if row.contested_at is not None:
        return _of(Wrong.CONTESTED, link, row.contested_at, "changed_by_hand")
    if row.due_at is not None and row.due_at >= now - OVERDUE:  # it falls due anew all the time
        return _of(Wrong.OVERDUE, link, row.asked_at, "held_back")
    return _of(Wrong.OVERDUE, link, row.due_at, row.due_cause)


def _request(row: Request) -> WrongRow:
    return WrongRow(
        Wrong.REQUEST, str(row.id), row.tenant_id, "", row.domain, row.extension, row.changed_at,
        row.state,
    )  # fmt: skip


def _mail(row: MailOut) -> WrongRow:
    reason = f"{row.kind}: {_without_addresses(row.last_error or '')}"
    return WrongRow(Wrong.MAIL, str(row.id), row.tenant_id, "", "", "", row.created_at, reason)


def _without_addresses(words: str) -> str:
    """A mail server's words, less whom they are about."""
    return " ".join("…" if "@" in word else word for word in words.split())
