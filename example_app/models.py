"""What a telecom's portal keeps: customers, the people who log in, the extensions they have."""

from __future__ import annotations

import sqlalchemy as sa
from flask_login import UserMixin
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash

from .database import Base


class Customer(Base):
    """A company that has its telephony with one of the resellers."""

    __tablename__ = "portal_customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.String(64))
    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    domain: Mapped[str] = mapped_column(sa.String(120), unique=True)
    lines: Mapped[list[ExtensionRow]] = relationship(order_by="ExtensionRow.number")


class ExtensionRow(Base):
    """An internal number: what answers there, and the public number that leads to it."""

    __tablename__ = "portal_extension"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("portal_customer.id"))
    number: Mapped[str] = mapped_column(sa.String(6))
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[str] = mapped_column(sa.String(16), default="phone")
    public_number: Mapped[str] = mapped_column(sa.String(16), default="")


class User(UserMixin, Base):  # type: ignore[misc]  # Flask-Login has no types
    """Somebody who logs in; `roles` are the plugin's role names, with spaces between."""

    __tablename__ = "portal_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(sa.String(64))
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("portal_customer.id"))
    email: Mapped[str] = mapped_column(sa.String(255), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    roles: Mapped[str] = mapped_column(sa.String(120), default="customer")
    locale: Mapped[str] = mapped_column(sa.String(8), default="nl")
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    closed: Mapped[bool] = mapped_column(default=False)
    customer: Mapped[Customer | None] = relationship(lazy="joined")

    def set_password(self, password: str) -> None:
        """Keep a salted hash of a new password."""
        self.password_hash = generate_password_hash(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the password, compared in constant time."""
        return check_password_hash(self.password_hash, password)

    @property
    def is_active(self) -> bool:
        """Closed accounts cannot log in."""
        return not self.closed
