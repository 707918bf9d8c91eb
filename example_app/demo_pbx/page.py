"""The page for people: each extension, and whose phone rings when somebody calls it now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from gcal_plugin.domain.destination import Destination, display
from gcal_plugin.ports.telephony import Line
from gcal_plugin.telephony.exchange import Held, MemoryExchange

ZONE = ZoneInfo("Europe/Amsterdam")

WORDS = {
    "nl": {
        "title": "Demo-telefooncentrale",
        "lead": "Wie gaat er over als je nu belt?",
        "extension": "Extensie",
        "rings": "Gaat nu over",
        "own": "Eigen toestel",
        "next": "Daarna",
        "changed": "Laatste wijziging",
        "empty": "Nog geen extensies. Ze verschijnen hier zodra er een doorschakeling is gezet.",
        "as_of": "Stand van",
        "other": "English",
    },
    "en": {
        "title": "Demo telephone exchange",
        "lead": "Who rings if you call now?",
        "extension": "Extension",
        "rings": "Rings now",
        "own": "Own phone",
        "next": "After that",
        "changed": "Last change",
        "empty": "No extensions yet. They appear here once a forward has been set.",
        "as_of": "As of",
        "other": "Nederlands",
    },
}

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #55606e; --page: #f2f4f8; --paper: #fff;
  --line: #cfd6de; --live: #0b6b3a; --livebg: #e3f4ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #a9b4c0; --page: #14191f;
  --paper: #1c232b; --line: #36404b; --live: #7fd6a4; --livebg: #123323; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 0; }
main { max-width: 48rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
p { color: var(--soft); margin: .25rem 0 0; }
table { border-collapse: separate; border-spacing: 0; width: 100%; margin-top: 1.25rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: .75rem; }
th, td { text-align: left; padding: .75rem clamp(.5rem, 2vw, 1rem); vertical-align: top; }
td { border-top: 1px solid var(--line); }
th { font-weight: 600; font-size: .875rem; color: var(--soft); }
td strong { font-size: 1.25rem; }
td small { color: var(--soft); display: block; overflow-wrap: anywhere; }
.rings { color: var(--live); background: var(--livebg); border: 1px solid currentColor;
  border-radius: .4rem; padding: .15rem .6rem; font-weight: 600; display: inline-block;
  margin: 0 .25rem .25rem 0; white-space: nowrap; font-variant-numeric: tabular-nums; }
a { color: inherit; }
@media (max-width: 24rem) { main { padding-inline: .75rem; } th, td { padding-inline: .4rem; }
  .rings { padding-inline: .35rem; margin-right: 0; } }
"""


def render(exchange: MemoryExchange, language: str) -> str:
    """The whole page; it asks for itself again every two seconds, without a script."""
    words = WORDS[language]
    other = "en" if language == "nl" else "nl"
    now = exchange.clock()
    rows = "".join(_row(line, exchange.held(line), now, words) for line in _lines(exchange))
    table = (
        f"<table><thead><tr><th scope=col>{words['extension']}</th>"
        f"<th scope=col>{words['rings']}</th><th scope=col>{words['next']}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        if rows
        else f"<p>{words['empty']}</p>"
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="2"><title>{words["title"]}</title>'
        '<link rel="stylesheet" href="/style.css"></head><body><main>'
        f"<h1>{words['title']}</h1><p>{words['lead']} {words['as_of']} {_clock(now)}. "
        f'<a href="/?lang={other}" lang="{other}">{words["other"]}</a></p>{table}'
        "</main></body></html>"
    )


def _lines(exchange: MemoryExchange) -> Iterable[Line]:
    known = {
        Line(domain, extension)
        for domain, extensions in (exchange.lines or {}).items()
        for extension in extensions
    }
    held: set[Line] = set()
    after: Line | None = None
    more = True
    while more:
        states, more = exchange.page(after, 500)
        held.update(state.line for state in states)
        after = states[-1].line if states else None
    return sorted(known | held)


def _row(line: Line, held: Held, now: datetime, words: dict[str, str]) -> str:
    ringing = sorted(held.ringing(now))
    who = "".join(f'<span class="rings">{escape(_name(one))}</span>' for one in ringing)
    return (
        f"<tr><td><strong>{escape(line.extension)}</strong><small>{escape(line.domain)}</small>"
        f"</td><td>{who or words['own']}</td><td>{_following(held, now, words)}</td></tr>"
    )


def _following(held: Held, now: datetime, words: dict[str, str]) -> str:
    """The next change of a plan, where the line has one."""
    edges = sorted(
        {edge for window in held.windows for edge in (window.start, window.end) if edge > now}
    )
    for edge in edges:
        then = held.ringing(edge)
        if then != held.ringing(now):
            who = ", ".join(_name(one) for one in sorted(then)) or words["own"]
            return f"{_clock(edge)} {escape(who)}"
    return ""


def _name(destination: Destination) -> str:
    return display(destination)


def _clock(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M:%S")
