"""Everything that `theme check` looks at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from . import contrast, overrides, styles
from .faults import Code, Fault
from .theme import ThemeFault, Themes


def check(name: str, folders: Iterable[str | Path] = ()) -> list[Fault]:
    """Every fault of one theme; an empty list for one that may go live."""
    try:
        theme = Themes(folders).load(name)
    except ThemeFault as fault:
        return [Fault(Code.THEME, name, str(fault).removeprefix(f"theme {name}: "))]
    return [*contrast.check(theme), *styles.check(theme), *overrides.check(theme)]
