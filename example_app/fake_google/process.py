"""Start a local Google as its own process, and steer it: for tests and the demo launcher."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote

import httpx

from .seed import CLIENT_ID, CLIENT_SECRET

Json = dict[str, Any]


class SchemaViolated(AssertionError):
    """The local Google answered what Google would not."""


class LocalGoogle:
    """One local Google in a child process; use it as a context manager, or start() and stop().

    `port` 0 takes a free one.  `data` is the SQLite file that survives restarts (None: memory
    only).  The methods below speak to `/_control`; each raises httpx.HTTPStatusError where the
    server refuses.
    """

    client_id = CLIENT_ID
    client_secret = CLIENT_SECRET

    def __init__(
        self,
        data: Path | None = None,
        *,
        seed: str = "empty",
        port: int = 0,
        check_schema: bool = True,
        control_token: str = "",
        output: int | IO[bytes] | None = None,
    ) -> None:
        self._arguments = ["--port", str(port), "--seed", seed, "--until-stdin-closes"]
        if data is not None:
            self._arguments += ["--data", str(data)]
        if check_schema:
            self._arguments.append("--check-schema")
        self._headers = {}
        if control_token:
            self._arguments += ["--control-token", control_token]
            self._headers["Authorization"] = f"Bearer {control_token}"
        self._output = output
        self._check_schema = check_schema
        self._process: subprocess.Popen[str] | None = None
        self._http: httpx.Client | None = None
        self.url = ""

    def start(self) -> Self:
        """Start it and wait until it listens; RuntimeError when it ends instead."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-m", "example_app.fake_google", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("ready "):
            raise RuntimeError(f"the local Google ended with {self._process.wait()}: {line!r}")
        self.url = line.split()[1]
        self._http = httpx.Client(timeout=60, headers=self._headers)
        return self

    def attach(self, url: str) -> Self:
        """Steer one that somebody else started and will end."""
        self.url = url
        self._http = httpx.Client(timeout=60, headers=self._headers)
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End it, cleanly or (with `kill`) as a power cut would."""
        if self._http is not None:
            self._http.close()
            self._http = None
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(timeout=10)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process = None

    @property
    def pid(self) -> int:
        """The process id; RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the local Google is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._check_schema and self._runs():
                self.must_fit()
        finally:
            self.stop()

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def must_fit(self) -> None:
        """Raise `SchemaViolated` where an answer did not fit Google's own schema.

        What was tested against such an answer proves nothing about Google.
        """
        if found := self.violations():
            raise SchemaViolated(f"{len(found)} answers do not fit, the first: {found[0]}")

    # -- where things are --------------------------------------------------------------------

    @property
    def metadata_url(self) -> str:
        """The OpenID discovery document (GCAL_GOOGLE_METADATA_URL)."""
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def risc_metadata_url(self) -> str:
        """The RISC configuration document (GCAL_GOOGLE_RISC_METADATA_URL)."""
        return f"{self.url}/.well-known/risc-configuration"

    # -- control -----------------------------------------------------------------------------

    def control(self, method: str, path: str, body: Json | None = None) -> Json:
        """One call of the control API, as in `control("GET", "counters")`."""
        if self._http is None:
            raise RuntimeError("the local Google is not running")
        answer = self._http.request(
            method, f"{self.url}/_control/{path}", json=body if body is not None else None
        )
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    def reset(self, seed: str = "empty") -> None:
        """Forget everything: data, rules, log, clock."""
        self.control("POST", "reset", {"seed": seed})

    def add_account(self, email: str, **given: Any) -> Json:
        """An account with its primary calendar; answers `email`, `sub`, `name`."""
        return self.control("POST", "accounts", {"email": email, **given})

    def disable_account(self, email: str, *, disabled: bool = True, reason: str = "") -> None:
        """Disable (or enable) an account."""
        body = {"disabled": disabled, **({"reason": reason} if reason else {})}
        self.control("PATCH", f"accounts/{_part(email)}", body)

    def delete_account(self, email: str) -> None:
        """Close an account; its calendars go for everybody."""
        self.control("DELETE", f"accounts/{_part(email)}", {})

    def change_entry(self, email: str, calendar_id: str, **given: Any) -> None:
        """Change a calendar's place on a list: `hidden`, `deleted`, `summaryOverride`."""
        self.control("PUT", f"accounts/{_part(email)}/calendars/{_part(calendar_id)}", given)

    def add_client(self, client_id: str, secret: str, **given: Any) -> None:
        """Register an OAuth client."""
        self.control("POST", "clients", {"id": client_id, "secret": secret, **given})

    def add_calendar(self, calendar_id: str, owner: str = "", **given: Any) -> str:
        """A calendar (`summary`, `timeZone`, `acl`, `push`); answers its id."""
        body = {"id": calendar_id, "owner": owner, **given}
        return str(self.control("POST", "calendars", body)["id"])

    def change_calendar(self, calendar_id: str, **given: Any) -> None:
        """Change `summary`, `timeZone` or `push`."""
        self.control("PATCH", f"calendars/{_part(calendar_id)}", given)

    def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar for everybody."""
        self.control("DELETE", f"calendars/{_part(calendar_id)}")

    def set_role(self, calendar_id: str, email: str, role: str, **given: Any) -> None:
        """Change an account's access role."""
        path = f"calendars/{_part(calendar_id)}/acl/{_part(email)}"
        self.control("PUT", path, {"role": role, **given})

    def add_event(
        self,
        calendar_id: str,
        summary: str,
        start: datetime | str,
        end: datetime | str,
        **given: Any,
    ) -> Json:
        """An event from aware datetimes, or from ISO dates for an all-day event."""
        body = {"summary": summary, "start": _when(start), "end": _when(end), **given}
        return self.control("POST", f"calendars/{_part(calendar_id)}/events", body)

    def patch_event(self, calendar_id: str, event_id: str, **changes: Any) -> Json:
        """Change an event (or one instance)."""
        path = f"calendars/{_part(calendar_id)}/events/{_part(event_id)}"
        return self.control("PATCH", path, changes)

    def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Delete an event, a series or one instance."""
        self.control("DELETE", f"calendars/{_part(calendar_id)}/events/{_part(event_id)}")

    def grant(self, email: str, **given: Any) -> Json:
        """Consent without pages; answers `refresh_token`, `access_token`, `sub`, `scope`."""
        return self.control("POST", "grants", {"account": email, **given})

    def revoke(self, email: str, client: str = CLIENT_ID) -> None:
        """Take access back as the person would at myaccount.google.com."""
        self.control("DELETE", "grants", {"account": email, "client": client})

    def expire_access_tokens(self, email: str | None = None) -> None:
        """End access tokens now."""
        self.control("POST", "expire-access-tokens", {"account": email} if email else {})

    def expire_sync_tokens(self, calendar_id: str) -> None:
        """Make the next incremental sync of a calendar answer 410."""
        self.control("POST", f"calendars/{_part(calendar_id)}/expire-sync-tokens")

    def fault(self, kind: str, **given: Any) -> int:
        """Put a rule in force (see README.md); answers its number."""
        return int(self.control("POST", "faults", {"kind": kind, **given})["ids"][0])

    def clear_faults(self) -> None:
        """Lift every rule."""
        self.control("DELETE", "faults")

    def bulk(self, count: int, **given: Any) -> list[Json]:
        """Many accounts with a calendar, a grant and tokens (see README.md)."""
        rows: list[Json] = self.control("POST", "bulk", {"count": count, **given})["rows"]
        return rows

    def touch(self, calendars: list[str], **given: Any) -> None:
        """One change in each of these calendars."""
        self.control("POST", "bulk/events", {"calendars": calendars, **given})

    def security_event(self, event: str, **given: Any) -> str:
        """Sign and send a security event; answers the token."""
        return str(self.control("POST", "risc/emit", {"event": event, **given})["token"])

    def service_account(self) -> Json:
        """The key file with which the RISC stream is managed."""
        return self.control("GET", "risc/service-account")

    def settle(self, seconds: float = 10) -> int:
        """Wait until all notifications are delivered; answers how many still are not."""
        return int(self.control("POST", "settle", {"seconds": seconds})["pending"])

    def clock(self, **given: Any) -> Json:
        """Read the clock, or set it: `now`, `freeze`, `advance`, `reset`."""
        return self.control("POST", "clock", given) if given else self.control("GET", "clock")

    def counters(self) -> Json:
        """Requests per endpoint, status and reason."""
        return self.control("GET", "counters")

    def requests(self, endpoint: str = "") -> list[Json]:
        """The last requests, oldest first."""
        found: list[Json] = self.control("GET", f"log?endpoint={_part(endpoint)}")["requests"]
        return found

    def clear_log(self) -> None:
        """Forget log and counters."""
        self.control("DELETE", "log")

    def violations(self) -> list[Json]:
        """Every answer so far that did not fit Google's schema."""
        found: list[Json] = self.control("GET", "violations")["violations"]
        return found


def _part(text: str) -> str:
    return quote(text, safe="")


def _when(moment: datetime | str) -> Json:
    if isinstance(moment, datetime):
        return {"dateTime": moment.isoformat()}
    return {"date": moment} if len(moment) == 10 else {"dateTime": moment}
