"""A step that did not happen, with a stable code that the pages and commands word."""

from __future__ import annotations


class Refusal(Exception):
    """The base of what a story of the services refuses: nothing was changed, `code` says why.

    A class sets `code` for all of its kind; an instance may be given one of its own.
    """

    code = "refused"

    def __init__(self, message: str = "", *, code: str = "") -> None:
        if code:
            self.code = code
        super().__init__(message or self.code)
