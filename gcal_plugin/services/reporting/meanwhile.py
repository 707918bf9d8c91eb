"""What a link does while it does not simply follow its calendar: the page says what calls do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ...domain.destination import Destination
from ...domain.link_state import LinkState
from ...domain.policy import LineContext, Policy, decide
from ...domain.schedule import Window
from ...store.tables import Forwarding, Link
from ..runtime import Runtime
from ..switching.effect import Effect, Mode, forwarding_effect
from ..switching.model import set_of

ALWAYS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """The effect of now as the switching works it out, with what a page needs beside it."""

    effect: Effect
    fallback: Destination | None
    """Where all calls go; only in `Mode.FALLBACK`."""
    running: frozenset[Destination]
    """What may run to its end in `Mode.FINISH`."""
    broken: bool
    """Killed, or not linked: what is known stands still until somebody mends it."""

    def held_until(self, window: Window, now: datetime) -> datetime | None:
        """Until when this window does not forward; None where it does as planned."""
        match self.effect.mode:
            case Mode.FOLLOW:
                return None
            case Mode.FINISH:
                open_now = window.start <= now < window.end
                return None if open_now and window.destination in self.running else ALWAYS
            case Mode.CLEAR if self.effect.reason == "paused" and not self.broken:
                return self.effect.until or ALWAYS
            case _:
                return ALWAYS


def meanwhile(
    rt: Runtime,
    link: Link,
    forwarding: Forwarding | None,
    policy: Policy,
    line: LineContext,
    now: datetime,
) -> Meanwhile:
    """What counts for this link now. A fallback that the rules refuse is none: nothing forwards.

    The link's calendar and grant have to be loaded.
    """
    calendar = link.calendar
    effect = forwarding_effect(
        link,
        now,
        killed=line.killed,
        grant_live=link.grant is not None and link.grant.state == "live",
        synced_at=calendar.synced_at if calendar else None,
        calendar_gone=calendar is not None and calendar.gone_at is not None,
        stale_after=timedelta(seconds=rt.settings.stale_after_seconds),
    )
    fallback = None
    if effect.mode is Mode.FALLBACK:
        fallback = decide(Destination.parse(link.fallback_number or ""), policy, line).destination
        effect = effect if fallback is not None else replace(effect, mode=Mode.CLEAR)
    return Meanwhile(
        effect=effect,
        fallback=fallback,
        running=set_of(forwarding.desired) if forwarding is not None else frozenset(),
        broken=line.killed or link.state != LinkState.LINKED,
    )
