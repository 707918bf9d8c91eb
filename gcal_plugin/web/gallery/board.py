"""The operators' board of the gallery: one of everything that can be wrong."""

from __future__ import annotations

from ...domain import buckets
from ...ports.load import Busy, QueueState
from ...services.reporting import BoardView, TenantRow, Wrong, WrongRow
from ...services.signals import Signals
from ...store.queries_signals import LineCounts
from .people import NOW, at
from .views import LINK

_REASONS = {
    Wrong.OVERDUE: "edge",
    Wrong.BROKEN: "revoked",
    Wrong.REFUSED: "403 this number may not be dialled",
    Wrong.UNVERIFIED: "no answer within 5 s",
    Wrong.QUARANTINED: "ValueError: not a destination",
    Wrong.CONTESTED: "changed_by_hand",
    Wrong.STALE: "governed",
    Wrong.HOLDER: "closed_account",
    Wrong.MAIL: "quote: 550 no such mailbox",
    Wrong.REQUEST: "agreed",
}


def board_view() -> BoardView:
    """A board with something of each kind."""
    late = buckets.empty()
    for place, count in enumerate((40, 900, 2400, 3100, 1800, 700, 220, 90, 40, 20, 8, 3, 1)):
        late[place + 2] = count
    late[-4] = 1
    rows = [
        WrongRow(
            wrong, str(LINK), "belwinkel", "" if wrong is Wrong.MAIL else "main",
            "" if wrong is Wrong.MAIL else "bakkerij-jansen.example",
            "" if wrong is Wrong.MAIL else str(200 + place), at(0, "09:00"), reason,
            retry=wrong is not Wrong.BROKEN,
        )
        for place, (wrong, reason) in enumerate(_REASONS.items())
    ]  # fmt: skip
    signals = Signals(
        at=NOW,
        lines=[LineCounts("belwinkel", "main", 412, 37, 2, 1, 1, 1, 1)],
        links=[("belwinkel", "linked", 410), ("belwinkel", "reconnect", 2)],
        broken=[("belwinkel", "main", "revoked", 1)],
        stale=[("belwinkel", "main", 1)],
        lost_holders=[("belwinkel", "main", 1)],
        sync_ages=[310, 52, 21, 9, 3, 1, 0, 0, 0],
        never_synced=0,
        failing=[("governed", 1)],
        push_states={"none": 396},
        grants={"live": 380, "revoked": 2},
        requests={"agreed": 3},
        stuck_requests=1,
        mails={"failed": 1, "retrying": 0, "waiting": 0},
        overdue_seconds=75.0,
        beat_age=0.8,
        late_ever=[],
        push_ever=[],
        late_days=[],
        queues=[
            QueueState("gcal-switch", 0, 0.0, 0, 2),
            QueueState("gcal-sync", 4, 0.6, 0, 1),
            QueueState("gcal-care", 0, 0.0, 1, 1, Busy("purge", 15_000)),
            QueueState("gcal-mail", 0, 0.0, 0, 1),
        ],
        quota=0.12,
        commands=[Busy("rotate", 1_200, 4_800)],
    )
    tenants = [
        TenantRow(
            "belwinkel", "main", 412, 37, dict.fromkeys(list(Wrong)[:8], 1), sum(late),
            buckets.quantile(late, 0.5), buckets.quantile(late, 0.99),
        ),
        TenantRow("havenstem", "main", 96, 4, {}, 840, 0.06, 0.21),
    ]  # fmt: skip
    return BoardView(
        signals=signals,
        rows=rows,
        tenants=tenants,
        counts=dict.fromkeys(Wrong, 1),
        late=late,
        ages=signals.sync_ages,
        p50=buckets.quantile(late, 0.5),
        p99=buckets.quantile(late, 0.99),
    )
