"""Every page state with made-up values: for previews of themes, and for the tests of all."""

from __future__ import annotations

from .mails import KINDS
from .mount import PREFIX, mount, show
from .pages import PAGES, STATES

__all__ = ["KINDS", "PAGES", "PREFIX", "STATES", "mount", "show"]
