"""Kamailio: the adapter, and beside it what the exchange includes (`gcal.cfg`, `schema.sql`)."""

from __future__ import annotations

from .adapter import KamailioTelephony, build

__all__ = ["KamailioTelephony", "build"]
