"""The drawings beside the words: lines on a grid of 24, in the colour of the text."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_DRAWINGS = {
    "phone": (
        '<path d="M6.5 3.5h3l1.6 4.2-2 1.6a11.5 11.5 0 0 0 5.6 5.6l1.6-2 4.2 1.6v3a2 2 0 '
        '0 1-2.2 2A17 17 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2z"/>'
    ),
    "forward": '<path d="M4.5 19v-6.5a4 4 0 0 1 4-4h11M15.5 4.5l4 4-4 4"/>',
    "calendar": (
        '<rect x="3.5" y="5" width="17" height="15.5" rx="2.5"/><path d="M3.5 10h17M8 3v4M16 3v4"/>'
    ),
    "link": (
        '<path d="M10 14a4.2 4.2 0 0 0 6 0l3-3a4.24 4.24 0 0 0-6-6l-1.2 1.2M14 10a4.2 '
        '4.2 0 0 0-6 0l-3 3a4.24 4.24 0 0 0 6 6l1.2-1.2"/>'
    ),
    "unlink": (
        '<path d="m10.5 17.5-1 1a4.24 4.24 0 0 1-6-6l2-2M13.5 6.5l1-1a4.24 4.24 0 0 1 6 '
        '6l-2 2M8 4v2.5M4 8h2.5M16 20v-2.5M20 16h-2.5"/>'
    ),
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.2V12l3.2 2"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "cross": '<path d="m6.5 6.5 11 11M17.5 6.5l-11 11"/>',
    "warning": '<path d="M12 4 2.8 19.5h18.4zM12 10v4.2M12 17.1v.1"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11.2v5M12 7.8v.1"/>',
    "pause": '<path d="M8.5 5v14M15.5 5v14"/>',
    "play": '<path d="M7.5 4.8v14.4L19 12z"/>',
    "refresh": '<path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15"/>',
    "document": '<path d="M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5M9 12.5h6M9 16h6"/>',
    "arrow": '<path d="M5 12h14M13 6l6 6-6 6"/>',
    "back": '<path d="M19 12H5M11 6l-6 6 6 6"/>',
    "out": '<path d="M13.5 4.5h6v6M19.5 4.5l-9 9M17 14v5.5H4.5V7H10"/>',
    "gear": (
        '<circle cx="12" cy="12" r="3"/><path d="M12 3v2.5M12 18.5V21M3 12h2.5M18.5 '
        '12H21M5.6 5.6l1.8 1.8M16.6 16.6l1.8 1.8M18.4 5.6l-1.8 1.8M7.4 16.6l-1.8 1.8"/>'
    ),
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>',
}
_USED = Markup('<svg class="g-icon" aria-hidden="true"><use href="#i-%s"/></svg>')
_SVG = Markup("%(head)s%(said)s>%(drawing)s</svg>")
_HEAD = Markup(
    '<svg class="g-icon" viewBox="0 0 24 24" width="24" height="24" fill="none" '
    'stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"'
)


def icon(name: str, label: str = "") -> Markup:
    """One drawing; with a label it is read aloud, without one it is silent."""
    said = Markup(' role="img" aria-label="%s"') % label if label else Markup(' aria-hidden="true"')
    drawing = Markup(_DRAWINGS.get(name, ""))  # noqa: S704  # nosemgrep: markup-from-variable
    return _SVG % {"head": _HEAD, "said": said, "drawing": drawing}


def symbols(names: Sequence[str]) -> Markup:
    """Drawings that a page uses many times, once; `used` shows them."""
    drawn = Markup("").join(
        Markup('<symbol id="i-%s" viewBox="0 0 24 24">%s</symbol>')
        % (name, Markup(_DRAWINGS[name]))  # noqa: S704  # nosemgrep: markup-from-variable
        for name in names
    )
    return Markup('<svg class="g-hidden" aria-hidden="true">%s</svg>') % drawn


def used(name: str) -> Markup:
    """One of the `symbols` of this page; the stylesheet has its line."""
    return _USED % name
