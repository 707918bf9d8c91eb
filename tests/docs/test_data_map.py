"""The data map tells of every table and every column, and of nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from gcal_plugin.services.purging import _over
from gcal_plugin.settings import GcalSettings
from gcal_plugin.store.tables import Base
from tests.support.lines import MONDAY

PAGE = (Path(__file__).parents[2] / "docs" / "data-map.md").read_text(encoding="utf-8")
SECRETS = {"refresh_token", "access_token", "secrets"}


def told() -> dict[str, list[tuple[list[str], str]]]:
    """The rows of the page, by table: columns, and what they hold."""
    found: dict[str, list[tuple[list[str], str]]] = {}
    for part in re.split(r"^### ", PAGE.partition("\n## Beside")[0], flags=re.MULTILINE)[1:]:
        name = part.split("`")[1]
        assert name not in found, f"{name} is told twice"
        rows = re.findall(r"^\| (`.*?) \| (.+) \|$", part, flags=re.MULTILINE)
        found[name] = [(re.findall(r"`(\w+)`", columns), holds) for columns, holds in rows]
    return found


def test_every_column_of_every_table_is_told_once() -> None:
    real = {
        table.name: sorted(column.name for column in table.columns)
        for table in Base.metadata.sorted_tables
    }
    page = {
        name: sorted(one for columns, _ in rows for one in columns) for name, rows in told().items()
    }
    assert page == real


def test_what_holds_tokens_says_that_they_are_sealed() -> None:
    for name, rows in told().items():
        for columns, holds in rows:
            if SECRETS & set(columns):
                assert "sealed" in holds, f"{name}: {columns}"


def test_what_tells_of_people_is_marked() -> None:
    """By name, these columns hold something about somebody wherever they are."""
    telling = {"email", "account_email", "recipient", "second_contact", "destinations", "actor"}
    for name, rows in told().items():
        if name == "gcal_audit":  # opaque ids, by its own promise
            continue
        for columns, holds in rows:
            if telling & set(columns):
                assert holds.startswith("*person:*"), f"{name}: {columns}"


def test_what_is_said_to_be_history_is_purged() -> None:
    purged = {key.class_.__tablename__ for key, _ in _over(MONDAY, MONDAY)}
    for part in re.split(r"^### ", PAGE.partition("\n## Beside")[0], flags=re.MULTILINE)[1:]:
        name, words = part.split("`")[1], part.partition("\n|")[0]
        promised = bool(re.search(r"\bHistory\.|history is over|long as history", words))
        assert promised == (name in purged - {"gcal_attempt", "gcal_consent"}), name
    days = GcalSettings.model_fields["history_days"].default
    assert f"`GCAL_HISTORY_DAYS` ({days} days)" in PAGE


def test_the_annex_names_every_table_that_tells_of_people() -> None:
    annex = (Path(__file__).parents[2] / "docs" / "processing.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(gcal_\w+)`", annex))
    telling = {
        name for name, rows in told().items() if any(x.startswith("*person:*") for _, x in rows)
    }
    assert named == telling | {"gcal_audit"}
