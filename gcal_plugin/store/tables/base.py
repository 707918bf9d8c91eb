"""What all tables share: own metadata, names of constraints, keys that tell nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import DeclarativeBase, mapped_column

from ..types import BigId, Instant, Json

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The plugin's own metadata: a host's `create_all` or autogenerate does not see it."""

    metadata = sa.MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads this name on the class)
        datetime: Instant(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


def new_id() -> UUID:
    """A key that grows with time (good for the index) and cannot be guessed from another."""
    return uuid_utils.compat.uuid7()


Id = Annotated[UUID, mapped_column(sa.Uuid(), primary_key=True, default=new_id)]
Counter = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
Code = Annotated[str, mapped_column(sa.String(64))]
Name = Annotated[str, mapped_column(sa.String(255))]
