"""The life of a link: provision, connect, choose a calendar, pause, break, let go."""

from __future__ import annotations

from .choose import Choice, calendar_choice, choose_calendar, reconnect_same
from .connect import (
    ConnectOutcome,
    NotReady,
    attempted_link,
    begin_connect,
    finish_connect,
    pending_consent,
    return_host_of,
)
from .disconnecting import Cleared, DisconnectReport, Withdrawn, disconnect, release
from .errors import (
    AttemptRefused,
    BadFallback,
    CalendarVanished,
    ConsentCancelled,
    ConsentFailed,
    ExtensionTaken,
    ExtensionUnknown,
    ForwardExists,
    LinkingError,
    NoRefreshToken,
    NothingToChoose,
    OtherAccount,
    ScopesMissing,
    TitlesUnreadable,
)
from .pausing import PauseInPast, pause, resume, set_precautions, take_over
from .provision import add_link, end_link, live_link, provision_link
from .standing import Standing

__all__ = [
    "AttemptRefused",
    "BadFallback",
    "CalendarVanished",
    "Choice",
    "Cleared",
    "ConnectOutcome",
    "ConsentCancelled",
    "ConsentFailed",
    "DisconnectReport",
    "ExtensionTaken",
    "ExtensionUnknown",
    "ForwardExists",
    "LinkingError",
    "NoRefreshToken",
    "NotReady",
    "NothingToChoose",
    "OtherAccount",
    "PauseInPast",
    "ScopesMissing",
    "Standing",
    "TitlesUnreadable",
    "Withdrawn",
    "add_link",
    "attempted_link",
    "begin_connect",
    "calendar_choice",
    "choose_calendar",
    "disconnect",
    "end_link",
    "finish_connect",
    "live_link",
    "pause",
    "pending_consent",
    "provision_link",
    "reconnect_same",
    "release",
    "resume",
    "return_host_of",
    "set_precautions",
    "take_over",
]
