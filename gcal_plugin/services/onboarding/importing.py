"""Customers who come along: a CSV file, checked as a whole, then taken in all or not at all.

Columns by name, in any order: `email` and `extension`; others are ignored. Comma, semicolon or
tab, with or without a byte order mark. Importing the same file again changes nothing: a contract
that was ended since is told as a fault of its line, unless it is said to begin anew.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..refusals import Refusal
from ..runtime import Runtime
from .building import check_line
from .direct import Wanted, add, ended_for, holder_of, line_of, read_wanted
from .errors import OnboardingError
from .fields import Fields
from .records import guarded

MOST_ROWS = 10_000
_NAMES = {
    "email": "email", "e-mail": "email", "mail": "email", "account": "email",
    "extension": "extension", "extensie": "extension", "toestel": "extension",
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one line of the file; `code` is stable, `field` the column."""

    line: int
    field: str
    code: str


class FileRefused(OnboardingError):
    """The file was not taken in, not one row of it; `faults` has every reason."""

    code = "file"

    def __init__(self, faults: list[RowFault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines were made ready, and how many already were."""

    made: int
    there: int


def import_csv(
    rt: Runtime,
    tenant_id: str,
    data: bytes,
    *,
    who: str,
    ask_exchange: bool = True,
    revive: bool = False,
    told: Callable[[int], None] = lambda _lines: None,
) -> Imported:
    """Take in a file; raises FileRefused with each fault and its line, having changed nothing.

    With `revive` a line whose contract with this account ended, or whose request was cancelled,
    begins anew; without, it is the fault `ended`.

    `told` hears of each line that the exchange was asked about: that is what takes long. Cut short,
    nothing was done, and what was taken in before is known when the file comes again.
    """
    rows, faults = _read(rt, tenant_id, data)
    faults += _conflicts(rt, rows, revive)
    checks = {}
    if not faults and ask_exchange:
        for line, wanted in rows:
            check = check_line(rt.telephony.get(wanted.pbx), line_of(wanted))
            checks[line] = check.outcome
            told(1)
            if not check.good:
                faults.append(RowFault(line, "extension", f"exchange_{check.outcome}"))
    if faults:
        raise FileRefused(sorted(faults, key=lambda fault: (fault.line, fault.field)))
    made = 0
    line = 0
    try:
        with guarded(), rt.store.begin() as session:
            for line, wanted in rows:
                check_made = checks.get(line, "not_asked")
                _, new = add(rt, session, wanted, who=who, remarks="", check=check_made)
                made += new
    except Refusal as error:
        raise FileRefused([RowFault(line, "extension", error.code)]) from None
    rt.wake.mail()
    return Imported(made, len(rows) - made)


def _read(
    rt: Runtime, tenant_id: str, data: bytes
) -> tuple[list[tuple[int, Wanted]], list[RowFault]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        return [], [RowFault(1, "", "not_a_csv")]
    head = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=head.count)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, Wanted]] = []
    faults: list[RowFault] = []
    seen: dict[tuple[str, str], int] = {}
    try:
        columns = _columns(next(table, []))
        if set(columns) != {"email", "extension"}:
            missing = sorted({"email", "extension"} - set(columns))
            return [], [RowFault(1, field, "column_missing") for field in missing]
        for cells in table:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) + len(faults) >= MOST_ROWS:
                return [], [RowFault(table.line_num, "", "too_many_rows")]
            wanted = _row(rt, tenant_id, columns, cells, table.line_num, faults)
            if wanted is None:
                continue
            key = (wanted.holder.domain, wanted.extension)
            if key in seen:
                faults.append(RowFault(table.line_num, "extension", f"repeats_line_{seen[key]}"))
                continue
            seen[key] = table.line_num
            rows.append((table.line_num, wanted))
    except csv.Error:
        faults.append(RowFault(table.line_num, "", "not_a_csv"))
    if not rows and not faults:
        faults.append(RowFault(1, "", "no_rows"))
    return rows, faults


def _columns(head: list[str]) -> Mapping[str, int]:
    """Where each known column is; the first of two with the same name counts."""
    found: dict[str, int] = {}
    for place, name in enumerate(head):
        known = _NAMES.get(name.strip().strip("\ufeff").lower())
        if known is not None:
            found.setdefault(known, place)
    return found


def _row(
    rt: Runtime,
    tenant_id: str,
    columns: Mapping[str, int],
    cells: list[str],
    line: int,
    faults: list[RowFault],
) -> Wanted | None:
    values = {}
    for field, place in columns.items():
        value = cells[place].strip() if place < len(cells) else ""
        if value.startswith(_FORMULA):
            faults.append(RowFault(line, field, "formula"))
            return None
        values[field] = value
    fields = Fields()
    wanted = read_wanted(rt, fields, tenant_id, values["email"], values["extension"])
    faults += [RowFault(line, field, code) for field, code in fields.faults.items()]
    return wanted if not fields.faults else None


def _conflicts(rt: Runtime, rows: list[tuple[int, Wanted]], revive: bool) -> list[RowFault]:
    """Lines that somebody else has already, and those that this account had until it ended."""
    faults = []
    with rt.store.begin() as session:
        for line, wanted in rows:
            if holder_of(session, wanted) is not None:
                faults.append(RowFault(line, "extension", "taken"))
            elif not revive and ended_for(session, wanted):
                faults.append(RowFault(line, "extension", "ended"))
    return faults
