"""The portal with the gallery of every theme beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from gcal_plugin.web import gallery
from tests.servers.databases import Databases
from tests.support.portal_app import portal


@pytest.fixture(scope="module")
def shown(databases: Databases) -> Iterator[Flask]:
    """The gallery at `/gcal-gallery/<theme>/<locale>/<page>`."""
    with portal(databases) as app:
        gallery.mount(app)
        yield app
