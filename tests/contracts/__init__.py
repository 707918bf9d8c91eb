"""Suites that every adapter inherits, the shipped ones and anybody else's."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contracts.telephony")
