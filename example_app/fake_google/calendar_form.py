"""The event form of the calendar page: from what a person typed to an event, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .model import Json
from .recurrence import event_span

REPEATS = {
    "none": "",
    "daily": "RRULE:FREQ=DAILY",
    "weekly": "RRULE:FREQ=WEEKLY",
    "weekdays": "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "monthly": "RRULE:FREQ=MONTHLY",
    "yearly": "RRULE:FREQ=YEARLY",
}
_TEMPLATE_TIME = re.compile(r"\d{8}(?:T\d{6}Z?)?")


class FormFault(Exception):
    """What was typed is not an event; the message is a key of the page's words."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields as the page shows them; times are wall-clock `YYYY-MM-DDTHH:MM`."""

    title: str = ""
    start: str = ""
    end: str = ""
    all_day: bool = False
    repeat: str = "none"
    private: bool = False
    details: str = ""

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Form:
        """The fields of a request."""

        def text(name: str) -> str:
            return str(given.get(name, ""))

        return cls(
            title=text("title"),
            start=text("start")[:16],
            end=text("end")[:16],
            all_day="all_day" in given,
            repeat=text("repeat") if text("repeat") in (*REPEATS, "keep") else "none",
            private="private" in given,
            details=text("details"),
        )

    @classmethod
    def fresh(cls, now: datetime, zone: ZoneInfo) -> Form:
        """An empty form for the next whole hour."""
        begin = now.astimezone(zone).replace(minute=0, second=0) + timedelta(hours=1)
        return cls(start=_wall(begin), end=_wall(begin + timedelta(hours=1)))

    @classmethod
    def of_event(cls, body: Json, zone: ZoneInfo) -> Form:
        """The fields of an event that exists."""
        start, end = event_span(body, zone)
        rules = body.get("recurrence", [])
        known = {rule: name for name, rule in REPEATS.items() if rule}
        repeat = known.get(rules[0], "keep") if rules else "none"
        timed = isinstance(start, datetime) and isinstance(end, datetime)
        if isinstance(start, datetime) and isinstance(end, datetime):
            first, last = _wall(start.astimezone(zone)), _wall(end.astimezone(zone))
        else:
            first, last = f"{start}T00:00", f"{end - timedelta(days=1)}T00:00"
        return cls(
            title=str(body.get("summary", "")),
            start=first,
            end=last,
            all_day=not timed,
            repeat=repeat,
            private=body.get("visibility") == "private",
            details=str(body.get("description", "")),
        )

    @classmethod
    def of_template(cls, given: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Form:
        """The fields that a `render?action=TEMPLATE` address fills in."""
        empty = cls.fresh(now, zone)
        title, details = given.get("text", ""), given.get("details", "")
        found = given.get("dates", "").split("/")
        if len(found) != 2 or not all(_TEMPLATE_TIME.fullmatch(one) for one in found):
            return cls(title=title, details=details, start=empty.start, end=empty.end)
        named = given.get("ctz", "")
        own = ZoneInfo(named) if named else zone
        if "T" not in found[0]:
            first, after = (date.fromisoformat(one[:8]) for one in found)
            return cls(
                title=title,
                details=details,
                start=f"{first}T00:00",
                end=f"{max(first, after - timedelta(days=1))}T00:00",
                all_day=True,
            )
        begin, end = (_template_time(one, own).astimezone(zone) for one in found)
        return cls(title=title, details=details, start=_wall(begin), end=_wall(end))

    def event(self, zone: ZoneInfo) -> Json:
        """The event in Google's shape; FormFault for times that make no sense."""
        try:
            begin = datetime.fromisoformat(self.start)
            end = datetime.fromisoformat(self.end)
        except ValueError as error:
            raise FormFault("fault_time") from error
        body: Json = {
            "summary": self.title,
            "description": self.details or None,
            "visibility": "private" if self.private else None,
        }
        if self.all_day:
            if end.date() < begin.date():
                raise FormFault("fault_order")
            body["start"] = {"date": begin.date().isoformat(), "dateTime": None, "timeZone": None}
            after = end.date() + timedelta(days=1)
            body["end"] = {"date": after.isoformat(), "dateTime": None, "timeZone": None}
        else:
            if end.replace(tzinfo=zone).astimezone(UTC) < begin.replace(tzinfo=zone).astimezone(
                UTC
            ):
                raise FormFault("fault_order")
            body["start"], body["end"] = (
                {
                    "dateTime": one.replace(tzinfo=zone).isoformat(),
                    "timeZone": zone.key,
                    "date": None,
                }
                for one in (begin, end)
            )
        if self.repeat != "keep":
            rule = REPEATS[self.repeat]
            body["recurrence"] = [rule] if rule else None
        return body


def quick(title: str, now: datetime, zone: ZoneInfo) -> Json:
    """An event from the next minute on, for two minutes."""
    begin = now.astimezone(zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return {
        "summary": title,
        "start": {"dateTime": begin.isoformat(), "timeZone": zone.key},
        "end": {"dateTime": (begin + timedelta(minutes=2)).isoformat(), "timeZone": zone.key},
    }


def _wall(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _template_time(text: str, zone: ZoneInfo) -> datetime:
    if "T" not in text:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=zone)
    wall = datetime.fromisoformat(text)
    return wall if wall.tzinfo else wall.replace(tzinfo=zone)
