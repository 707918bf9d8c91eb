"""Throw mutated titles at the reading and the rules, led by coverage; ends at the first escape.

    python tests/domain/fuzz_titles.py -max_total_time=60 SEEDS_FOLDER

libFuzzer's own arguments apply. It is run by `test_fuzz.py`.
"""

from __future__ import annotations

import re
import sys

import atheris

with atheris.instrument_imports(include=["gcal_plugin.domain"]):
    from gcal_plugin.domain.destination import read_title
    from gcal_plugin.domain.policy import explain

ALLOWED = re.compile(
    r"\+31(?:[1-57][0-9]{8}|(?:6[1-58]|8[58]|91)[0-9]{7}|800(?:[0-9]{4}|[0-9]{7}))"
    # Extensions, but no code of the public network and no emergency number behind an outside line.
    r"|(?!(?:112|113|144|116[0-9]{3}|1[23468][0-9]{2}|14[0-9]{3,4}|911|999|[89](?:112|911))$)"
    r"[1-9][0-9]{1,5}"
)


class Escape(Exception):
    """A title that must not forward does, or a promise about readings is broken."""


def one(data: bytes) -> None:
    title = data.decode("utf-8", "surrogateescape")
    verdict = explain(title)
    if verdict.allowed and not ALLOWED.fullmatch(verdict.value or ""):
        raise Escape(ascii(title))
    if verdict.allowed and read_title(verdict.value).destination != verdict.destination:
        raise Escape(f"{title!a} does not read back")
    if verdict.suggestion is not None and not explain(verdict.suggestion).allowed:
        raise Escape(f"{title!a} suggests {verdict.suggestion}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
