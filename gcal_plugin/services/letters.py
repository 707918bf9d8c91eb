"""Letters in words: a template per kind and language, once as text and once as HTML.

A template is written once; its macros (`m`) come out as plain text or as HTML. A theme may bring
its own `mail/` folder with any of these files. Values are data: they are escaped in HTML and never
read as a template.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from ..domain.rendering import display
from ..ports import Mail, Tenant
from ..store.tables import MailOut
from .addresses import page_url, sign_quote
from .runtime import Runtime

FOLDER = Path(__file__).parent / "mail"
LOCALES = ("nl", "en")
MAIL_THEMES = "mail_themes"
"""The key in `Runtime.extras` of a function from a theme's name to its `MailTheme`."""

_SIGNED = frozenset({"quote", "quote_reminder"})
"""Kinds whose link is signed and expires; made when the letter is written, never stored."""

Part = Literal["txt", "html"]


class CannotWrite(Exception):
    """The letter cannot be written: no such kind or tenant, or a value that it needs is missing."""


@dataclass(frozen=True)
class MailTheme:
    """What a theme means for letters."""

    name: str = "plain"
    folders: tuple[Path, ...] = ()
    """Folders with templates of its own, searched first."""
    light: Mapping[str, str] = field(default_factory=dict)
    """Colours by token path ("color.brand"), for a light and for a dark reader."""
    dark: Mapping[str, str] = field(default_factory=dict)
    header: str = ""
    """The path of a picture for the head of the letter, below the tenant's address."""


PLAIN = MailTheme()


def render(rt: Runtime, letter: MailOut, *, message_id: str = "") -> Mail:
    """Write a letter out; raises CannotWrite, which trying again does not mend."""
    tenant = rt.portal.tenant(letter.tenant_id)
    if tenant is None:
        raise CannotWrite(f"the portal has no tenant {letter.tenant_id}")
    locale = letter.locale if letter.locale in LOCALES else LOCALES[0]
    theme = theme_of(rt, tenant)
    values = {
        **_context(rt, tenant, theme, locale),
        **_urls(rt, tenant, letter),
        "v": {key: _clean(value) for key, value in letter.values.items()},
    }
    try:
        text = _write(theme, "txt", locale, letter.kind, values)
        html = _write(theme, "html", locale, letter.kind, values)
        subject = _subject(theme, locale, letter.kind, values)
    except TemplateError as error:
        raise CannotWrite(f"{letter.kind} in {locale}: {type(error).__name__}: {error}") from None
    return Mail(
        to=(letter.recipient,),
        subject=subject,
        text=text,
        html=_styled(html),
        sender=rt.settings.mail_sender or tenant.support_email or rt.settings.support_email,
        reply_to=tenant.support_email or rt.settings.support_email,
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
        if message_id
        else {"Auto-Submitted": "auto-generated"},
    )


def _styled(html: str) -> str:
    """Styles where mail programs look for them: on each element. A page never needs the inliner."""
    import css_inline

    return css_inline.inline(html, keep_style_tags=True, load_remote_stylesheets=False)


def theme_of(rt: Runtime, tenant: Tenant) -> MailTheme:
    """The mail theme of a tenant, where the extension has brought themes."""
    find = cast("Callable[[str], MailTheme] | None", rt.extras.get(MAIL_THEMES))
    return find(tenant.theme) if find is not None else PLAIN


def kinds() -> frozenset[str]:
    """Every kind of letter that has a template."""
    return frozenset(file.stem for file in (FOLDER / LOCALES[0]).glob("*.j2"))


def _context(rt: Runtime, tenant: Tenant, theme: MailTheme, locale: str) -> dict[str, Any]:
    zone = ZoneInfo(tenant.time_zone)

    def day(value: str) -> str:
        return format_date(_instant(value).astimezone(zone), "d MMMM y", locale=locale)

    def moment(value: str) -> str:
        pattern = "EEEE d MMMM y 'om' HH:mm" if locale == "nl" else "EEEE d MMMM y 'at' HH:mm"
        return format_datetime(_instant(value).astimezone(zone), pattern, locale=locale)

    return {
        "tenant": tenant,
        "theme": theme,
        "header_url": page_url(rt, tenant, theme.header) if theme.header else "",
        "locale": locale,
        "app_name": rt.settings.google_app_name,
        "support_email": tenant.support_email or rt.settings.support_email,
        "day": day,
        "moment": moment,
        "display": display,
    }


def _urls(rt: Runtime, tenant: Tenant, letter: MailOut) -> dict[str, str]:
    home = page_url(rt, tenant, "/")
    request_page = desk_page = home
    if letter.request_id is not None:
        request_page = page_url(rt, tenant, f"/request/{letter.request_id}")
        desk_page = page_url(rt, tenant, f"/support/requests/{letter.request_id}")
        if letter.kind in _SIGNED:
            token = sign_quote(rt, letter.request_id)
            request_page = page_url(rt, tenant, f"/request/quote/{token}")
    return {"home_url": home, "request_url": request_page, "desk_url": desk_page}


def _instant(value: str) -> datetime:
    if len(value) == 10:
        return datetime.combine(date.fromisoformat(value), datetime.min.time()).astimezone()
    return datetime.fromisoformat(value)


def _clean(value: Any) -> Any:
    """Text of people without control, direction and invisible characters; lines are kept."""
    if not isinstance(value, str):
        return value
    return "".join(
        char for char in value if char == "\n" or unicodedata.category(char) not in {"Cc", "Cf"}
    )


def _write(theme: MailTheme, part: Part, locale: str, kind: str, values: dict[str, Any]) -> str:
    environment = _environment(theme.folders, part)
    template = environment.get_template(f"{locale}/{kind}.j2")
    text = template.render(
        **values,
        layout=f"layout.{part}",
        m=environment.get_template(f"parts.{part}").make_module(values),
    )
    if part == "html":
        return text
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return "\n".join(kept) + "\n"


def _subject(theme: MailTheme, locale: str, kind: str, values: dict[str, Any]) -> str:
    environment = _environment(theme.folders, "txt")
    template = environment.get_template(f"{locale}/{kind}.j2")
    context = template.new_context({**values, "layout": "layout.txt", "m": None})
    return " ".join("".join(template.blocks["subject"](context)).split())[:200]


@lru_cache(maxsize=64)
def _environment(folders: tuple[Path, ...], part: Part) -> Environment:
    """One environment for each theme and part: Jinja's cache knows templates by name alone."""
    return Environment(
        loader=FileSystemLoader([*folders, FOLDER]),
        autoescape=part == "html",  # noqa: S701 (the other part is plain text)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
