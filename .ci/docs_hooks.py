"""What MkDocs asks while it builds the site.

Pages link to tests and sources, which readers of the repository follow. The site has none of them:
there such a link is told as the path that it is.
"""

from __future__ import annotations

import re

_OUTSIDE = re.compile(r"\[`[^`\]]+`\]\(\.\./([\w./-]+)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page with every link that leaves `docs/` as plain text."""
    return _OUTSIDE.sub(r"`\1`", markdown)
