"""Whose forwarding is wrong now, for the people who run the machines."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from ...ports import Role
from ...services.reporting import operator_rows
from .. import current, render


def board() -> ResponseReturnValue:
    """Every link, those with something wrong first; a 404 for everybody else."""
    current.require_role(Role.OPERATOR)
    rows = operator_rows(current.runtime())
    return render.page("operator.html", rows=rows, wrong=sum(row.wrong for row in rows))
