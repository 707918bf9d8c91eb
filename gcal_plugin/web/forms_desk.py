"""The forms of requests and of the desk. What is typed is read by the services, not here."""

from __future__ import annotations

from collections.abc import Mapping

from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)

from . import words_desk
from .forms import AtMost, PageForm
from .i18n import lazy_gettext


class Faulty(PageForm):
    """A form whose faults come from a service, by field."""

    def take(self, faults: Mapping[str, str], *, others: str = "") -> None:
        """Put each fault beside its field; those without a field go to `others`."""
        for name, code in faults.items():
            field = self._fields.get(name) or self._fields.get(others)
            if field is not None:
                field.errors = [*field.errors, words_desk.fault(code)]

    @property
    def faulty(self) -> bool:
        """Whether any field has a fault."""
        return any(field.errors for field in self)


class VersionForm(Faulty):
    """A button for one step; `version` is the state of the request that was looked at."""

    version = HiddenField()

    @property
    def seen(self) -> int | None:
        """The version that the page showed; a page without one is as old as can be."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class RequestForm(Faulty):
    """Asking for the integration."""

    customer_code = StringField(lazy_gettext("Customer code"), validators=[AtMost(200)])
    customer_name = StringField(lazy_gettext("Customer name"), validators=[AtMost(500)])
    email = StringField(lazy_gettext("Portal account"), validators=[AtMost(500)])
    extensions = SelectMultipleField(lazy_gettext("For which extension?"), validate_choice=False)
    typed = StringField(
        lazy_gettext("Extension"),
        validators=[AtMost(400)],
        description=lazy_gettext("Several: separate them with a space."),
    )
    remarks = TextAreaField(lazy_gettext("Remarks"), validators=[AtMost(8000)])


class AnswerForm(VersionForm):
    """The customer's answer to a quote."""

    quote = HiddenField()
    why = TextAreaField(lazy_gettext("Why not?"), validators=[AtMost(8000)])

    @property
    def number(self) -> int:
        """The number of the quote that was read."""
        text = str(self.quote.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class QuoteForm(VersionForm):
    """A price for a customer."""

    once = StringField(lazy_gettext("Once, excl. VAT"), validators=[AtMost(40)])
    monthly = StringField(lazy_gettext("Per month, excl. VAT"), validators=[AtMost(40)])
    vat = StringField(lazy_gettext("VAT rate in percent"), validators=[AtMost(10)])
    valid_until = StringField(lazy_gettext("Valid until"), validators=[AtMost(10)])
    summary = TextAreaField(lazy_gettext("Contract summary"), validators=[AtMost(8000)])
    note = TextAreaField(lazy_gettext("Message to the customer"), validators=[AtMost(8000)])


class FinishForm(VersionForm):
    """The number policy that goes with the extension."""

    countries = StringField(
        lazy_gettext("Countries that may be called"),
        validators=[AtMost(200)],
        description=lazy_gettext(
            "Two letters each, like NL, BE. Every other country stays closed."
        ),
    )


class NoteForm(VersionForm):
    """A message to the customer; the quote's form has one too, under another name."""

    message = TextAreaField(lazy_gettext("Message to the customer"), validators=[AtMost(8000)])


class CancelForm(VersionForm):
    """The end of a request that is not ready yet."""

    why = TextAreaField(lazy_gettext("Reason"), validators=[AtMost(8000)])


class EndForm(CancelForm):
    """The end of a contract: on a day, or now where that is said by itself."""

    ends_on = StringField(lazy_gettext("Last day"), validators=[AtMost(10)])
    now = BooleanField(
        lazy_gettext("No date: end it now. Forwards stop and access to the calendar is withdrawn.")
    )


class DirectForm(Faulty):
    """An extension that was settled by telephone."""

    email = StringField(lazy_gettext("Portal account"), validators=[AtMost(500)])
    extension = StringField(lazy_gettext("Extension"), validators=[AtMost(40)])
    remarks = StringField(lazy_gettext("Remarks"), validators=[AtMost(8000)])


class PriceForm(Faulty):
    """A price template."""

    name = StringField(lazy_gettext("Name"), validators=[AtMost(200)])
    once = StringField(lazy_gettext("Once, excl. VAT"), validators=[AtMost(40)])
    monthly = StringField(lazy_gettext("Per month, excl. VAT"), validators=[AtMost(40)])
    vat = StringField(lazy_gettext("VAT rate in percent"), validators=[AtMost(10)])
    valid_days = StringField(lazy_gettext("Days that a quote is valid"), validators=[AtMost(5)])
    summary = TextAreaField(lazy_gettext("Contract summary"), validators=[AtMost(8000)])


class BlockForm(Faulty):
    """A number whose owner asked to be left alone."""

    number = StringField(lazy_gettext("Telephone number"), validators=[AtMost(60)])
    note = StringField(
        lazy_gettext("Remark"),
        validators=[AtMost(255)],
        description=lazy_gettext("For your own administration, like a ticket number."),
    )


class StopForm(Faulty):
    """The switch for the whole tenant; the page fills the reasons in."""

    why = SelectField(lazy_gettext("Why?"), validate_choice=False)


class QueueForm(PageForm):
    """Which requests the queue shows; read only, so without a token."""

    class Meta(PageForm.Meta):
        csrf = False

    state = SelectField(lazy_gettext("State"), validate_choice=False)
    text = StringField(lazy_gettext("Search"), validators=[AtMost(100)])
