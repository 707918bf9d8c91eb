"""A small client of the Asterisk Manager Interface: one connection, one action at a time."""

from __future__ import annotations

import hashlib
import itertools
import socket
import ssl
import struct
import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import NamedTuple

import httpcore

from ...ports.telephony import AuthFailed, InvalidDestination, TelephonyError, Temporary
from ..guarded import PinningBackend
from ..outgoing import OutgoingPolicy
from .packets import Lost, Packet, Reader, render

NOT_FOUND = "database entry not found"
NEEDS = {"Setvar": "call", "Command": "command"}
"""What an account has to be allowed for these; for all others `system`."""


class ManagerRefused(TelephonyError):
    """The manager said no to an action; the message is its own."""


class Ask(NamedTuple):
    """An action, and the event that ends its list where it answers with one."""

    action: str
    headers: Mapping[str, str]
    until: str = ""


class Manager:
    """Logs in on first use, and again whenever the connection was lost; safe between threads."""

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        policy: OutgoingPolicy | None = None,
        timeout: float = 5.0,
        tls: bool = False,
    ) -> None:
        self.host, self.port = host, port
        self._username, self._secret = username, secret
        self._ways = PinningBackend(policy or OutgoingPolicy(loopback=True, private=True))
        self._timeout = timeout
        self._tls = ssl.create_default_context() if tls else None
        self._ids = itertools.count(1)
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._reader: Reader | None = None
        self.banner = ""

    # -- actions ---------------------------------------------------------------------------------

    def act(self, action: str, **headers: str) -> Packet:
        """One action; its response, or `ManagerRefused`."""
        return self._ask(Ask(action, headers))[0][0]

    def ask_list(self, action: str, until: str, **headers: str) -> list[Packet]:
        """An action that answers with events; those, up to and without the one named `until`."""
        return self._ask(Ask(action, headers, until))[0][1:]

    def get(self, family: str, key: str) -> str | None:
        """A value of AstDB, or None where there is none."""
        try:
            events = self.ask_list("DBGet", "DBGetComplete", Family=family, Key=key)
        except ManagerRefused as refused:
            if NOT_FOUND in str(refused).lower():
                return None
            raise
        return events[0].get("Val") if events else None

    def put(self, family: str, key: str, value: str) -> None:
        """Set a value of AstDB."""
        self.act("DBPut", Family=family, Key=key, Val=value)

    def put_and_get(self, family: str, key: str, value: str) -> str | None:
        """Set a value and read it back; both leave together, so it costs one round trip."""
        row = {"Family": family, "Key": key}
        asks = Ask("DBPut", {**row, "Val": value}), Ask("DBGet", row, "DBGetComplete")
        events = self._ask(*asks)[1][1:]
        return events[0].get("Val") if events else None

    def delete(self, family: str, key: str) -> bool:
        """Delete a value; whether there was one.

        It is looked for first: to a new Asterisk deleting nothing is an error and a warning in its
        log, to an old one a success.
        """
        if self.get(family, key) is None:
            return False
        try:
            self.act("DBDel", Family=family, Key=key)
        except ManagerRefused:
            if self.get(family, key) is not None:
                raise
        return True

    def delete_tree(self, family: str, key: str) -> None:
        """Delete all below a key; what is not there is deleted already."""
        try:
            self.act("DBDelTree", Family=family, Key=key)
        except ManagerRefused as refused:
            if NOT_FOUND not in str(refused).lower():
                raise

    def tree(self, family: str) -> dict[str, str]:
        """Every key of a family (without it) and its value."""
        prefix = f"/{family}/"
        try:
            events = self.ask_list("DBGetTree", "DBGetTreeComplete", Family=family)
            pairs = [(event.get("Key"), event.get("Val")) for event in events]
        except ManagerRefused as refused:
            if NOT_FOUND in str(refused).lower():
                return {}
            # Old ones have no such action; the console's own command shows the same.
            lines = self.act("Command", Command=f"database show {family}").all("Output")
            parts = [line.partition(":") for line in lines if line.startswith(prefix)]
            pairs = [(key.strip(), value.removeprefix(" ")) for key, _, value in parts]
        return {key.removeprefix(prefix): value for key, value in pairs if key.startswith(prefix)}

    def close(self) -> None:
        """Hang up; the next action connects again."""
        with self._lock:
            self._hang_up()

    # -- the connection --------------------------------------------------------------------------

    def _ask(self, *asks: Ask) -> list[list[Packet]]:
        with self._lock:
            lay_idle = self._socket is not None
            try:
                return self._exchange(asks)
            except Lost:
                if not lay_idle:
                    raise
            # A connection that lay idle may have died long ago. Every action of ours may be done
            # twice, so it is tried once more on a fresh one.
            return self._exchange(asks)

    def _exchange(self, asks: Sequence[Ask]) -> list[list[Packet]]:
        deadline = time.monotonic() + self._timeout
        try:
            if self._socket is None:
                self._log_in(deadline)
            return self._send(asks, deadline)
        except Temporary:
            # What is still on its way would be taken for the answer to the next action.
            self._hang_up()
            raise

    def _send(self, asks: Sequence[Ask], deadline: float) -> list[list[Packet]]:
        """Send all, then read all; the first refusal is raised when nothing is left to read."""
        assert self._socket is not None
        numbers = [f"gcal-{next(self._ids)}" for _ in asks]
        try:
            raw = b"".join(
                render(ask.action, number, ask.headers)
                for ask, number in zip(asks, numbers, strict=True)
            )
        except ValueError as error:
            raise InvalidDestination(str(error)) from None
        try:
            self._socket.sendall(raw)
        except OSError as error:
            raise Lost(f"the manager is gone: {error}") from error
        answers, refused = [], None
        for ask, number in zip(asks, numbers, strict=True):
            answer = self._answer(ask, number, deadline)
            answers.append(answer)
            if refused is None and not answer[0].succeeded:
                refused = self._refused(ask.action, answer[0])
        if refused is not None:
            raise refused
        return answers

    def _answer(self, ask: Ask, number: str, deadline: float) -> list[Packet]:
        """A response, and the events of its list up to the one that ends it."""
        assert self._reader is not None
        answers = [self._reader.packet(number, deadline)]
        if ask.until and answers[0].succeeded:
            packet = self._reader.packet(number, deadline)
            while packet.get("Event") != ask.until:
                answers.append(packet)
                packet = self._reader.packet(number, deadline)
        return answers

    def _log_in(self, deadline: float) -> None:
        self._socket = self._connect(deadline)
        self._reader = Reader(self._socket)
        self.banner = self._reader.line(deadline)
        if "call manager" not in self.banner.lower():
            raise Temporary(f"{self.host}:{self.port} is no Asterisk manager")
        try:
            challenge = self._send([Ask("Challenge", {"AuthType": "MD5"})], deadline)[0][0].get(
                "Challenge"
            )
            # MD5 is what the protocol asks for; the secret itself never crosses the wire.
            key = hashlib.md5((challenge + self._secret).encode(), usedforsecurity=False)
            proof = {"AuthType": "MD5", "Username": self._username, "Key": key.hexdigest()}
            self._send([Ask("Login", {**proof, "Events": "off"})], deadline)
        except TelephonyError as error:
            self._hang_up()
            if isinstance(error, ManagerRefused):
                raise AuthFailed(f"the manager did not let us in: {error}") from error
            raise

    def _connect(self, deadline: float) -> socket.socket:
        left = max(deadline - time.monotonic(), 0.001)
        fault: OSError | None = None
        try:
            addresses = self._ways.addresses(self.host, self.port, left)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise Temporary(str(error)) from error
        for address in addresses:
            try:
                plain = socket.create_connection((address, self.port), timeout=left)
                if self._tls is not None:
                    return self._tls.wrap_socket(plain, server_hostname=self.host)
            except OSError as error:
                fault = error
            else:
                # The kernel's own time-outs: Python's cost a poll before every read and write.
                plain.settimeout(None)
                whole, part = divmod(self._timeout, 1)
                limit = struct.pack("ll", int(whole), int(part * 1_000_000))
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
                return plain
        raise Temporary(f"not reached: {fault}")

    def _refused(self, action: str, packet: Packet) -> TelephonyError:
        message = packet.get("Message") or "no reason given"
        if "permission denied" in message.lower():
            needed = NEEDS.get(action, "system")
            return AuthFailed(f"{action}: {message}; the account needs write={needed}")
        return ManagerRefused(f"{action}: {message}")

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._reader = None
