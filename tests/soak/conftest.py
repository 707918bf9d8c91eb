"""The running product and a browser, for what is watched for half an hour."""

from __future__ import annotations

from tests.e2e.conftest import browser, page, product  # noqa: F401 (fixtures)
