"""The forms of the pages. All of them carry a CSRF token; faults are told beside their field."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional, Regexp

from .i18n import domain, lazy_gettext


class _Words:
    """WTForms' own messages in the language of the page; it fills their values in itself."""

    def gettext(self, text: str) -> str:
        translated: str = domain.get_translations().gettext(text)
        return translated

    def ngettext(self, one: str, many: str, num: int) -> str:
        translated: str = domain.get_translations().ngettext(one, many, num)
        return translated


class AtMost(Length):  # type: ignore[misc]  # WTForms has no types
    """So many characters; whoever sends more is told, since a page's own limit can be passed by."""

    def __init__(self, count: int) -> None:
        super().__init__(max=count, message=lazy_gettext("This is too long."))


class PageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The base of every form: the CSRF token, and messages in the reader's language."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # Flask-WTF has no types
        def get_translations(self, form: Any) -> _Words:
            return _Words()

    def describe(self, field: Field) -> str:
        """The ids of what explains a field, for `aria-describedby`."""
        ids = [f"{field.id}-help"] if field.description else []
        ids += [f"{field.id}-error"] if field.errors else []
        return " ".join(ids)


class ButtonForm(PageForm):
    """A single button: nothing but the token."""


class CalendarForm(PageForm):
    """Which calendar drives the extension; the other fields answer what the page may ask."""

    calendar = RadioField(lazy_gettext("Calendar"), validate_choice=False)
    replace_forward = RadioField(
        lazy_gettext("What should happen to that forward?"),
        choices=[
            SelectChoice(
                "no", lazy_gettext("Keep it: it holds whenever no appointment forwards your phone")
            ),
            SelectChoice(
                "yes", lazy_gettext("Remove it: then your own phone rings outside appointments")
            ),
        ],
        validate_choice=False,
    )


class PauseForm(PageForm):
    """Until when forwarding stands still."""

    until = SelectField(lazy_gettext("Pause until"), validate_choice=False)
    date = StringField(lazy_gettext("Date"), validators=[Optional(), AtMost(10)])
    time = StringField(lazy_gettext("Time"), validators=[Optional(), AtMost(5)])


class PrecautionsForm(PageForm):
    """What happens when the calendar cannot be read for long, and who is told."""

    stale_choice = RadioField(
        lazy_gettext("If your calendar cannot be read for a day"),
        choices=[
            SelectChoice("keep", lazy_gettext("Keep forwarding what is known")),
            SelectChoice("stop", lazy_gettext("Stop; my own phone rings")),
            SelectChoice("fallback", lazy_gettext("Forward to the fallback number")),
        ],
    )
    fallback = StringField(
        lazy_gettext("Fallback number"),
        validators=[Optional(), AtMost(40)],
        description=lazy_gettext(
            "Also used when access to Google is lost or the calendar disappears."
        ),
    )
    second_contact = StringField(
        lazy_gettext("Second contact for warnings"),
        validators=[
            Optional(),
            AtMost(255),
            Regexp(
                r"[^@\s]+@[^@\s]+\.[^@\s]+$", message=lazy_gettext("This is not an e-mail address.")
            ),
        ],
        description=lazy_gettext("This address gets a mail too when the link breaks."),
    )


class TrialForm(PageForm):
    """A number to forward to for one minute."""

    number = StringField(lazy_gettext("Number or extension"), validators=[AtMost(40)])


class PlanForm(PageForm):
    """A forward to write into the calendar; read only, so without a token."""

    class Meta(PageForm.Meta):
        csrf = False

    number = StringField(lazy_gettext("Number or extension"), validators=[AtMost(40)])
    date = StringField(lazy_gettext("Date"), validators=[AtMost(10)])
    start = StringField(lazy_gettext("From"), validators=[AtMost(5)])
    end = StringField(lazy_gettext("Until"), validators=[AtMost(5)])
