"""The push channels that are stored."""

from __future__ import annotations

import sqlalchemy as sa

from gcal_plugin.store.tables import Channel
from tests.support.world import World


def channels(world: World) -> list[Channel]:
    """Every channel, oldest first, read anew."""
    with world.rt.store.begin() as session:
        found = list(session.scalars(sa.select(Channel).order_by(Channel.created_at)))
        session.expunge_all()
        return found
