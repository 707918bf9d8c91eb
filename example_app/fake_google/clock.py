"""The server's own clock: it can be put forward, back, or stopped, so that tests simulate days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the instant the local Google believes in, as an aware UTC datetime."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return self._frozen or datetime.now(UTC) + self.offset

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen is not None

    def set(self, instant: datetime, *, freeze: bool) -> None:
        """Make `instant` the present; time goes on from there unless `freeze`.

        ValueError for an instant without a zone.
        """
        if instant.tzinfo is None:
            raise ValueError("the instant has no offset")
        instant = instant.astimezone(UTC)
        self.offset = instant - datetime.now(UTC)
        self._frozen = instant if freeze else None

    def advance(self, seconds: float) -> None:
        """Jump forward (or back, when negative); a frozen clock stays frozen."""
        step = timedelta(seconds=seconds)
        self.offset += step
        if self._frozen is not None:
            self._frozen += step

    def reset(self) -> None:
        """Go back to the machine's time."""
        self.offset = timedelta()
        self._frozen = None


def rfc3339(instant: datetime) -> str:
    """An instant as Google writes `created` and `updated`: UTC with milliseconds."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
