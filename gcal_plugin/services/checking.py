"""Trying an exchange for real: reach it, log in, write, read back, and put back what was there."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.destination import Destination, Kind
from ..ports import Telephony, TelephonyError
from ..ports.telephony import Line


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of a check, with its mend where it failed."""

    what: str
    ok: bool
    detail: str = ""
    mend: str = ""


def check_exchange(
    exchange: Telephony, line: Line | None = None, number: str = "+31201234567"
) -> list[Finding]:
    """Every step of the check, up to the first that fails.

    Without a `line` only reaching and logging in are tried. With one, `number` is written there,
    read back, and the set that stood there before is restored, also when a step fails.
    """
    try:
        health = exchange.check()
    except TelephonyError as error:
        return [Finding("reach and log in", False, str(error), _MENDS["reach"])]
    findings = [
        Finding("reach and log in", health.ok, health.detail, "" if health.ok else _MENDS["reach"])
    ]
    if not health.ok or line is None or exchange.capabilities.mode == "pull":
        return findings
    try:
        before = exchange.read(line)
    except TelephonyError as error:
        return [*findings, Finding("read", False, str(error), _MENDS["read"])]
    findings.append(Finding("read", True, f"{len(before.destinations)} destinations"))
    return findings + _write_and_restore(
        exchange, line, before.destinations, before.revision, number
    )


def _write_and_restore(
    exchange: Telephony, line: Line, before: frozenset[Destination], revision: int, number: str
) -> list[Finding]:
    trial = frozenset({Destination(Kind.NUMBER, number)})
    findings: list[Finding] = []
    try:
        exchange.replace(line, trial, revision=revision + 1)
        held = exchange.read(line)
        same = held.destinations == trial
        findings.append(
            Finding("write and read back", same, "", "" if same else _MENDS["mismatch"])
        )
        revision = max(revision + 1, held.revision)
    except TelephonyError as error:
        findings.append(Finding("write and read back", False, str(error), _MENDS["write"]))
    try:
        exchange.replace(line, before, revision=revision + 1)
        findings.append(Finding("restore", True, f"{len(before)} destinations"))
    except TelephonyError as error:
        findings.append(Finding("restore", False, str(error), _MENDS["restore"]))
    return findings


_MENDS = {
    "reach": "Check the address, the credentials and the firewall of this entry in GCAL_TELEPHONY.",
    "read": "Check that the line exists on the exchange and that these credentials may read it.",
    "write": "Check that these credentials may write, and that the number may be dialled.",
    "mismatch": "The exchange said yes and holds something else: see its own log.",
    "restore": "Set the line's forward back by hand; the check could not.",
}
