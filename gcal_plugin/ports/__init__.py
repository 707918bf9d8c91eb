"""What the core asks of the world: short promises that name no vendor.

One file a neighbour: the host's portal, the calendar's provider, the telephone exchange, the
queue and the mail. Errors carry the decision (retry or stop), so that callers never guess.
"""

from __future__ import annotations

from .calendar import (
    AccessToken,
    CalendarError,
    CalendarInfo,
    CalendarSource,
    ChannelInfo,
    EventsPage,
    GrantedTokens,
    GrantRevoked,
    OAuthClient,
    OAuthPort,
    PushNotSupported,
    SyncTokenExpired,
)
from .mail import Mail, Mailer, MailRefused
from .portal import Account, Extension, ExtensionKind, Portal, Role, Tenant
from .telephony import (
    Applied,
    AuthFailed,
    BulkResult,
    Capabilities,
    ForeignForward,
    Health,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    StaleRevision,
    Telephony,
    TelephonyError,
    Temporary,
    UnknownExtension,
    Unsupported,
    VerifyMismatch,
)
from .wake import Wake

__all__ = [
    "AccessToken",
    "Account",
    "Applied",
    "AuthFailed",
    "BulkResult",
    "CalendarError",
    "CalendarInfo",
    "CalendarSource",
    "Capabilities",
    "ChannelInfo",
    "EventsPage",
    "Extension",
    "ExtensionKind",
    "ForeignForward",
    "GrantRevoked",
    "GrantedTokens",
    "Health",
    "InvalidDestination",
    "Line",
    "LineState",
    "Mail",
    "MailRefused",
    "Mailer",
    "OAuthClient",
    "OAuthPort",
    "PlanWindow",
    "Portal",
    "PushNotSupported",
    "Role",
    "StaleRevision",
    "SyncTokenExpired",
    "Telephony",
    "TelephonyError",
    "Temporary",
    "Tenant",
    "UnknownExtension",
    "Unsupported",
    "VerifyMismatch",
    "Wake",
]
