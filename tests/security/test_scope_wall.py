"""Whose rows somebody may see is decided in `store/scope.py`, and no query goes round it.

Pages, commands and jobs ask no database at all. Services may look rows up by themselves only where
the id comes from our own tables, never from a person; each such place stands below with its reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcal_plugin.store import scope

ROOT = Path(__file__).parents[2] / "gcal_plugin"
WITHOUT_QUERIES = ("web", "cli", "jobs", "google", "telephony", "ports", "domain")
SCOPED = {"Link", "Request", "MailOut", "PriceTemplate", "Audit"}
"""The tables that have their look-ups in `scope`."""
MADE_UP = {"web/gallery/mails.py"}
"""Make rows up to be looked at, and have no database to ask."""
NO_QUERY = {"chunks"}
"""What other rooms take from the modules of queries beside types and constants: it asks nothing."""
ASKING = {
    *("select", "get", "get_one", "query", "update", "delete", "exists"),
    *("select_from", "join", "outerjoin"),
}

BATCH = "a batch of ids from our own queue or clock"
CALENDAR = "every link of a calendar or consent, whoever has it: they share its fate"
LINE = "by the line itself, to keep two from having it"
FOUND = "the row hangs on one that scope has found"
STAFF = "an operator's command, or support's own tenant as an argument"
LETTERS = "the outbox, which sends everybody's letters"
TENANT = "narrowed to a tenant that its caller got from the account, or from an operator"
SIGNALS = "figures and the operators' board, which is for all tenants"
KNOWN = {
    "services/explaining.py:explain_at": STAFF,
    "services/breaking.py:grant_lost": CALENDAR,
    "services/breaking.py:calendar_lost": CALENDAR,
    "services/breaking.py:calendar_back": CALENDAR,
    "services/linking/choose.py:_revive_siblings": CALENDAR,
    "services/linking/disconnecting.py:forget_calendar": CALENDAR,
    "services/linking/disconnecting.py:release": CALENDAR,
    "services/linking/provision.py:live_link": LINE,
    "services/moving.py:plan_move": STAFF,
    "services/moving.py:_change_over": STAFF,
    "services/onboarding/asking.py:_live_link": LINE,
    "services/onboarding/ending.py:end_contract": FOUND,
    "services/onboarding/ending.py:keep_contract": FOUND,
    "services/onboarding/ending.py:end_due": BATCH,
    "services/onboarding/ending.py:_end": BATCH,
    "services/addressees.py:address_now": FOUND,
    "services/addressees.py:_hand_over": LETTERS,
    "services/onboarding/direct.py:ended_for": LINE,
    "services/onboarding/ending.py:_end_was_told": FOUND,
    "services/onboarding/following.py:_request_of": FOUND,
    "services/onboarding/quoting.py:remind": BATCH,
    "services/onboarding/quoting.py:_quoted": BATCH,
    "services/onboarding/quoting.py:_expire": BATCH,
    "services/onboarding/records.py:open_request": LINE,
    "services/onboarding/templates.py:remove_template": FOUND,
    "services/outbox.py:_cancel": LETTERS,
    "services/outbox.py:_claim": LETTERS,
    "services/outbox.py:_record": LETTERS,
    "services/privacy.py:erase_account": STAFF,
    "services/privacy.py:_end_links": STAFF,
    "services/privacy.py:_link_ids": STAFF,
    "services/privacy.py:_queries": STAFF,
    "services/resyncing.py:calendar_of": STAFF,
    "services/switching/board.py:load": BATCH,
    "services/alarms.py:link_works": LETTERS,
    "services/linking/choose.py:_also_on": FOUND,
    "services/linking/standing.py:standing_forward": FOUND,
    "store/queries_board.py:broken_links": SIGNALS,
    "store/queries_board.py:lost_holders": SIGNALS,
    "store/queries_board.py:stale_rows": SIGNALS,
    "store/queries_board.py:wrong_lines": SIGNALS,
    "store/queries_board.py:stuck_rows": SIGNALS,
    "store/queries_board.py:failed_mails": SIGNALS,
    "store/queries_calendar.py:_in_turn": BATCH,
    "store/queries_calendar.py:followers": CALENDAR,
    "store/queries_guards.py:links_of_tenant": TENANT,
    "store/queries_guards.py:lines_of_tenant": TENANT,
    "store/queries_guards.py:links_towards": TENANT,
    "store/queries_holders.py:to_ask": BATCH,
    "store/queries_holders.py:_update": BATCH,
    "store/queries_holders.py:lost": SIGNALS,
    "store/queries_pull.py:_statement": LINE,
    "store/queries_signals.py:links_by_state": SIGNALS,
    "store/queries_signals.py:broken": SIGNALS,
    "store/queries_signals.py:stale_links": SIGNALS,
    "store/queries_signals.py:requests_by_state": SIGNALS,
    "store/queries_signals.py:mails_by_state": SIGNALS,
    "store/queries_sweep.py:_records": BATCH,
    "store/queries_sweep.py:was_ours": BATCH,
    "store/queries_switching.py:ensure_rows": BATCH,
}


def _calls(node: ast.AST, inside: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a module with the outermost function that it stands in."""
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        deeper = (*inside, child.name) if named else inside  # type: ignore[attr-defined]
        if isinstance(child, ast.Call):
            yield (inside[0] if inside else "<module>"), child
        yield from _calls(child, deeper)


def _asked(call: ast.Call) -> set[str]:
    """The scoped tables that a call asks for directly."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in ASKING:
        return set()
    return {
        node.id
        for argument in call.args
        for node in ast.walk(argument)
        if isinstance(node, ast.Name) and node.id in SCOPED
    }


def _asking() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        if place.as_posix() == "store/scope.py":
            continue
        for function, call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            if tables := _asked(call):
                found.setdefault(f"{place.as_posix()}:{function}", set()).update(tables)
    return found


def test_no_query_goes_round_the_scope() -> None:
    found = _asking()
    new = {where: sorted(tables) for where, tables in found.items() if where not in KNOWN}
    assert new == {}, "look rows up by `store.scope`, or say here why an id is our own"
    assert set(KNOWN) - set(found) == set(), "these ask no longer: take them out"


def test_the_scope_has_every_table_that_is_asked_for_by_people() -> None:
    returned = {name for name in SCOPED if name in Path(scope.__file__).read_text(encoding="utf-8")}
    assert returned == SCOPED


@pytest.mark.parametrize("room", ["services", "store"])
def test_no_query_is_written_as_text(room: str) -> None:
    """What is no expression is not seen above; the few statements as text name no scoped table."""
    tables = {"gcal_link", "gcal_request", "gcal_mail_out", "gcal_price_template", "gcal_audit"}
    looked = 0
    for path in sorted((ROOT / room).rglob("*.py")):
        if "migrations" in path.parts or path.name == "append_only.py":
            continue
        for _where, call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            looked += 1
            if name in {"text", "exec_driver_sql"}:
                written = ast.unparse(call)
                assert not [one for one in tables if one in written], f"{path}: {written}"
    assert looked > 100


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{one.name}" for one in node.names)


@pytest.mark.parametrize("room", WITHOUT_QUERIES)
def test_only_services_and_the_store_ask_the_database(room: str) -> None:
    looked = 0
    for path in sorted((ROOT / room).rglob("*.py")):
        for name in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            looked += 1
            bare = name.lstrip(".")
            allowed = bare.startswith("sqlalchemy.exc")
            assert allowed or not bare.startswith("sqlalchemy"), f"{path}: {name}"
            if ".queries_" in f".{bare}":
                taken = bare.rpartition(".")[2]
                assert taken[0].isupper() or taken in NO_QUERY, f"{path}: {name}"
            if path.relative_to(ROOT).as_posix() not in MADE_UP:
                assert ".tables" not in f".{bare}", f"{path}: {name}"
    assert looked > 10


@pytest.mark.parametrize(
    "source, tables",
    [
        ("sa.select(Link).where(Link.id == x)", {"Link"}),
        ("sa.select(Link.id, Request.id)", {"Link", "Request"}),
        ("session.get(Request, key)", {"Request"}),
        ("session.query(MailOut)", {"MailOut"}),
        ("sa.update(Link).values(state='x')", {"Link"}),
        ("sa.delete(PriceTemplate)", {"PriceTemplate"}),
        ("sa.select(sa.func.count()).select_from(Link)", {"Link"}),
        ("sa.select(Other).join(Request, Request.id == Other.request_id)", {"Request"}),
        ("scope.link(session, viewer, key)", set()),
        ("found.get('Link')", set()),
    ],
)
def test_the_wall_sees_what_it_was_built_against(source: str, tables: set[str]) -> None:
    tree = ast.parse(f"def page():\n    return {source}\n")
    found = [_asked(call) for where, call in _calls(tree) if where == "page"]
    assert set().union(*found) == tables
