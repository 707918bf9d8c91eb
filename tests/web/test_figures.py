"""What `/metrics` tells while something of ours is away: only what is known, and what is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from gcal_plugin.ports.load import QueueState
from gcal_plugin.services.runtime import Runtime
from tests.servers.databases import Databases
from tests.support.portal_app import PREFIX, portal

TOKEN = "figures-token"


def figures(app: Flask) -> dict[str, float]:
    """Every sample, by its name and labels, as Prometheus would get it."""
    answer = app.test_client().get(
        f"{PREFIX}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 200, answer.status
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sample.labels.items()): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_a_database_that_is_away_is_told_beside_what_is_still_known(databases: Databases) -> None:
    """Not a 500: then the alarm would say that no web process answers."""
    with portal(databases, GCAL_METRICS_TOKEN=TOKEN) as app:
        rt: Runtime = app.extensions["gcal"]
        rt.extras["queue_states"] = lambda: [QueueState("gcal-switch", 7, 0.5, 0, 2)]
        rt.extras["quota_use"] = lambda _client_id: 0.25
        before = figures(app)
        assert before["gcal_database_up"] == 1
        assert before["gcal_mails{state=failed}"] == 0
        with app.app_context():
            engine = rt.store.engine
        assert engine.url.database is not None
        place = Path(engine.url.database)
        kept = place.rename(place.with_suffix(".kept"))
        place.mkdir()  # nothing can be opened here
        engine.dispose()
        try:
            away = figures(app)
        finally:
            place.rmdir()
            kept.rename(place)
        assert away["gcal_database_up"] == 0
        assert any(name.startswith("gcal_build_info") for name in away)
        assert away["gcal_queue_up"] == 1
        assert away["gcal_queue_depth{queue=gcal-switch}"] == 7
        assert away["gcal_queue_workers{queue=gcal-switch}"] == 2
        assert away["gcal_google_quota_used_ratio"] == pytest.approx(0.25)
        unknown = ("gcal_mails", "gcal_overdue", "gcal_clock", "gcal_lines", "gcal_links")
        assert [name for name in away if name.startswith(unknown)] == []
        after = figures(app)
        assert after["gcal_database_up"] == 1
        assert after.keys() == before.keys()


def test_a_fault_of_ours_is_no_database_that_is_away(databases: Databases) -> None:
    with portal(databases, GCAL_METRICS_TOKEN=TOKEN) as app:

        def broken() -> None:
            raise ZeroDivisionError

        app.extensions["gcal"].extras["queue_states"] = broken
        with pytest.raises(ZeroDivisionError):
            figures(app)
