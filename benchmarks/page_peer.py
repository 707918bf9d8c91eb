"""The peer: the same page as one writes it with the usual extensions alone, on the same rows.

Flask-Login, SQLAlchemy, Flask-WTF for the buttons, Flask-Babel for words, dates and times, one
template, compiled once. At `/` it shows what ours shows: the link and its calendar, the events of
the coming weeks with day, times, number and a way to Google, the week, what happened lately. It
judges nothing by the rules of now, knows no themes, problems or states.

At `/list` it is as bare as a page with these events can be: who is logged in, the link, the fifty
events with day, times and number. No words to translate, no buttons, no week, no history.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, render_template
from flask_babel import Babel, format_date, format_time, gettext
from flask_login import LoginManager, current_user, login_required
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from jinja2 import DictLoader

from example_app.models import ExtensionRow, User
from gcal_plugin.domain.rendering import display
from gcal_plugin.store.tables import (
    Activity,
    Calendar,
    Forwarding,
    Grant,
    LedgerEntry,
    Link,
    WindowRow,
)

_TEMPLATE = """<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Status</title>
<link rel="stylesheet" href="{{ url_for('static', filename='site.css') }}"></head><body>
<header><a href="/">Portal</a> {{ current_user.name }}</header><main>
<h1>{{ link.extension }}</h1><p>{{ _("Forwarded to") }} {{ forwarding.observed or "-" }}</p>
{% for name in ("pause", "refresh", "test") %}<form method="post" action="/{{ name }}">
{{ form.csrf_token }}<button>{{ _(name) }}</button></form>{% endfor %}
<dl><dt>{{ _("Google account") }}</dt><dd>{{ grant.email }}</dd>
<dt>{{ _("Calendar") }}</dt><dd>{{ calendar.name }}</dd>
<dt>{{ _("Last fetched") }}</dt><dd>{{ calendar.synced_at|clock }}</dd></dl>
{% for day, events in days %}<h3>{{ day|day }}</h3><ul>{% for event in events %}<li>
<time datetime="{{ event.start_at.isoformat() }}">{{ event.start_at|clock }}</time> –
<time datetime="{{ event.end_at.isoformat() }}">{{ event.end_at|clock }}</time>
{{ _("Will forward to %(number)s", number=event.value|phone) }}
<strong>{{ event.value|phone }}</strong>
<a href="https://calendar.google.com/calendar/event?eid={{ event|eid(calendar) }}">{{ _("Open") }}
</a></li>{% endfor %}</ul>{% endfor %}
<table>{% for day, events in days[:7] %}{% for event in events %}<tr><th>{{ day|day }}</th>
<td>{{ event.start_at|clock }}</td><td>{{ event.end_at|clock }}</td>
<td>{{ event.value|phone }}</td></tr>{% endfor %}{% endfor %}</table>
<ul>{% for line in activity %}<li>{{ line.at|clock }} {{ _(line.what) }}</li>{% endfor %}
{% for line in ledger %}<li>{{ line.due_at|clock }} {{ _(line.outcome) }}</li>{% endfor %}</ul>
</main></body></html>"""

_LIST = """<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Status</title>
<link rel="stylesheet" href="{{ url_for('static', filename='site.css') }}"></head><body>
<header><a href="/">Portal</a> {{ current_user.name }}</header><main>
<h1>{{ link.extension }}</h1><p>{{ forwarding.observed or "-" }} {{ calendar.name }}</p>
<ul>{% for event in events %}<li>{{ event.start_at|local("%a %d %b %H:%M") }} –
{{ event.end_at|local("%H:%M") }} <strong>{{ event.value|phone }}</strong></li>{% endfor %}</ul>
</main></body></html>"""
_ZONE = ZoneInfo("Europe/Amsterdam")


def make_peer(url: str) -> Flask:
    """An application with these two pages."""
    app = Flask("peer")
    app.config |= {"SECRET_KEY": "bench", "SQLALCHEMY_DATABASE_URI": url}
    db = SQLAlchemy(app)
    Babel(app, locale_selector=lambda: "nl", timezone_selector=lambda: "Europe/Amsterdam")
    login = LoginManager(app)
    login.user_loader(lambda key: db.session.get(User, int(key)))
    app.jinja_loader = DictLoader(
        {"status.html": _TEMPLATE, "list.html": _LIST}
    )  # compiled once, as a file is
    app.jinja_env.filters |= {
        "day": _day,
        "clock": _clock,
        "phone": display,
        "eid": _eid,
        "local": _local,
    }
    app.jinja_env.globals["_"] = gettext

    @app.get("/")
    @login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
    def page() -> str:
        return render_template("status.html", form=FlaskForm(), **_values(db.session))

    @app.get("/list")
    @login_required  # type: ignore[untyped-decorator]
    def bare() -> str:
        link, calendar, _grant, forwarding = _linked(db.session)
        events = _coming(db.session, calendar)
        return render_template(
            "list.html", link=link, calendar=calendar, forwarding=forwarding, events=events
        )

    return app


def _linked(session: Any) -> Any:
    return session.execute(
        sa.select(Link, Calendar, Grant, Forwarding)
        .join(Calendar, Calendar.id == Link.calendar_id)
        .join(Grant, Grant.id == Link.grant_id)
        .join(Forwarding, Forwarding.link_id == Link.id)
        .where(Link.account_id == current_user.get_id())
    ).one()


def _in_sight(calendar: Calendar) -> tuple[Any, ...]:
    now = datetime.now(UTC)
    return (
        WindowRow.calendar_id == calendar.id,
        WindowRow.end_at > now,
        WindowRow.start_at < now + timedelta(days=35),
    )


def _coming(session: Any, calendar: Calendar) -> Any:
    return session.scalars(
        sa.select(WindowRow).where(*_in_sight(calendar)).order_by(WindowRow.start_at).limit(50)
    ).all()


def _values(session: Any) -> dict[str, Any]:
    lines = session.scalars(
        sa.select(ExtensionRow).where(ExtensionRow.customer_id == current_user.customer_id)
    ).all()
    link, calendar, grant, forwarding = _linked(session)
    coming, events = _in_sight(calendar), _coming(session, calendar)
    days: dict[Any, list[WindowRow]] = {}
    for event in events:
        days.setdefault(event.start_at.date(), []).append(event)
    mine = (Activity.link_id == link.id, LedgerEntry.link_id == link.id)
    return {
        "link": link,
        "calendar": calendar,
        "grant": grant,
        "forwarding": forwarding,
        "lines": lines,
        "days": sorted(days.items()),
        "count": session.scalar(sa.select(sa.func.count()).select_from(WindowRow).where(*coming)),
        "activity": session.scalars(
            sa.select(Activity).where(mine[0]).order_by(Activity.at.desc()).limit(12)
        ).all(),
        "ledger": session.scalars(
            sa.select(LedgerEntry).where(mine[1]).order_by(LedgerEntry.due_at.desc()).limit(12)
        ).all(),
    }


def _day(value: Any) -> str:
    found: str = format_date(value, "EEEE d MMMM")
    return found


def _clock(value: datetime) -> str:
    found: str = format_time(value, "HH:mm")
    return found


def _local(value: datetime, pattern: str) -> str:
    return value.astimezone(_ZONE).strftime(pattern)


def _eid(event: WindowRow, calendar: Calendar) -> str:
    pair = f"{event.event_id} {calendar.google_id}".encode()
    return base64.urlsafe_b64encode(pair).decode().rstrip("=")
