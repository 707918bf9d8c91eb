"""Every reason that the product can give stands in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from gcal_plugin.domain.reasons import Reason

PAGE = Path(__file__).parents[2] / "docs" / "reasons.md"


def test_the_page_lists_exactly_the_codes_that_exist() -> None:
    listed = re.findall(r"^\| `(\w+)` \| \S", PAGE.read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(reason.value for reason in Reason)
