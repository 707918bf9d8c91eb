"""The `freepbx` and `freepbx-followme` backends: the forwards that FreePBX's own pages show.

`freepbx` sets call forward all (`CF/<extension>`), one destination, and the states that light the
lamps on phones: `Custom:CF<extension>` and `Custom:DEVCF<device>` of its devices.
`freepbx-followme` sets find-me/follow-me, several. FreePBX's dialplan reads AstDB at every call, so
a write holds for the very next one. Neither has room for a revision.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from ...domain.destination import Destination
from ...ports.telephony import (
    Applied,
    Capabilities,
    ForeignForward,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    UnknownExtension,
    Unsupported,
)
from ..rendering import NumberFormat, check_line, check_set, parse_set, render_set
from ..verdict import judge
from .ami import Manager
from .base import ManagerTelephony
from .config import FreePbxConfig, manager_of

USERS = "AMPUSER"
_DEVICE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


class FreePbx(ManagerTelephony):
    """What both have in common: one domain, extensions that must exist, no plan."""

    probe = (USERS, "0/device")
    lamp_of_device: ClassVar[str]

    def __init__(
        self, name: str, manager: Manager, domain: str, capabilities: Capabilities
    ) -> None:
        super().__init__(name, manager, capabilities)
        self._domain = domain.lower()

    @abstractmethod
    def _set(self, extension: str, texts: list[str]) -> None: ...

    @abstractmethod
    def _get(self, extension: str) -> frozenset[Destination]: ...

    @abstractmethod
    def _extensions(self) -> list[str]: ...

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        if expires_at is not None:
            raise Unsupported("FreePBX cannot end a forward by itself")
        wanted = check_set(destinations, maximum=self.capabilities.max_destinations)
        extension = self._known(line)
        with self._writing:
            self._set(extension, render_set(wanted, self.capabilities.number_format))
            return judge(wanted, revision, Applied(self._get(extension), revision))

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        raise Unsupported("FreePBX takes no plans; the `asterisk` backend does")

    def read(self, line: Line) -> Applied:
        return Applied(self._get(self._known(line)), 0)

    def read_all(self) -> Iterator[LineState]:
        for extension in self._extensions():
            line = Line(self._domain, extension)
            try:
                yield LineState(line, self._get(extension), 0)
            except ForeignForward as error:
                yield LineState(line, frozenset(), 0, odd=str(error))

    def _known(self, line: Line) -> str:
        check_line(line)
        if line.domain.lower() != self._domain:
            raise UnknownExtension(f"this exchange is {self._domain}'s, not {line.domain}'s")
        if self._manager.get(USERS, f"{line.extension}/device") is None:
            raise UnknownExtension(f"no extension {line.extension}")
        return line.extension

    def _lamps(self, name: str, extension: str, lit: str) -> None:
        """The extension's, and those of its devices, which the keys of phones watch."""
        self._lamp(f"{name}{extension}", lit)
        devices = self._manager.get(USERS, f"{extension}/device") or ""
        for device in filter(_DEVICE.fullmatch, devices.split("&")):
            if (of_device := f"{self.lamp_of_device}{device}") != f"{name}{extension}":
                self._lamp(of_device, lit)

    def _lamp(self, name: str, state: str) -> None:
        self._manager.act("Setvar", Variable=f"DEVICE_STATE(Custom:{name})", Value=state)


class ForwardTelephony(FreePbx):
    """Call forward all: one destination, the own phone is silent."""

    lamp_of_device = "DEVCF"

    def __init__(
        self,
        name: str,
        manager: Manager,
        domain: str,
        *,
        number_format: NumberFormat = "national",
    ) -> None:
        capabilities = Capabilities(
            max_destinations=1,
            caller_number="caller",
            # A forward to an extension goes through that extension's own dialplan.
            chains_forwards=True,
            number_format=number_format,
            bulk=100,
            proven=False,
        )
        super().__init__(name, manager, domain, capabilities)

    def _set(self, extension: str, texts: list[str]) -> None:
        if texts:
            self._manager.put("CF", extension, texts[0])
        else:
            self._manager.delete("CF", extension)
        # The states are those that FreePBX's own feature codes set.
        self._lamps("CF", extension, "BUSY" if texts else "NOT_INUSE")

    def _get(self, extension: str) -> frozenset[Destination]:
        return _held([self._manager.get("CF", extension) or ""])

    def _extensions(self) -> list[str]:
        return sorted(self._manager.tree("CF"))


class FollowMeTelephony(FreePbx):
    """Find-me/follow-me: several at once, the own phone is silent (no initial ring)."""

    lamp_of_device = "FOLLOWME"

    def __init__(
        self,
        name: str,
        manager: Manager,
        domain: str,
        *,
        number_format: NumberFormat = "national",
    ) -> None:
        capabilities = Capabilities(
            max_destinations=10,
            caller_number="caller",
            chains_forwards=True,
            number_format=number_format,
            atomic_replace=False,
            bulk=100,
            proven=False,
        )
        super().__init__(name, manager, domain, capabilities)

    def _set(self, extension: str, texts: list[str]) -> None:
        below = f"{extension}/followme"
        if texts:
            # An external number carries a # behind it, an extension does not.
            members = [text if len(text) <= 6 else f"{text}#" for text in texts]
            self._manager.put(USERS, f"{below}/grplist", "-".join(members))
            self._manager.put(USERS, f"{below}/strategy", "ringall")
            self._manager.put(USERS, f"{below}/prering", "0")
            self._manager.put(USERS, f"{below}/ddial", "DIRECT")
        else:
            # An empty list is mishandled there: it is switched off instead.
            self._manager.put(USERS, f"{below}/ddial", "EXTENSION")
        self._lamps("FOLLOWME", extension, "INUSE" if texts else "NOT_INUSE")

    def _get(self, extension: str) -> frozenset[Destination]:
        below = f"{extension}/followme"
        if self._manager.get(USERS, f"{below}/ddial") != "DIRECT":
            return frozenset()
        members = self._manager.get(USERS, f"{below}/grplist") or ""
        return _held([member.rstrip("#") for member in members.split("-")])

    def _extensions(self) -> list[str]:
        keys = self._manager.tree(USERS)
        return sorted({key.split("/")[0] for key in keys if key.endswith("/followme/ddial")})


def _held(texts: list[str]) -> frozenset[Destination]:
    try:
        return parse_set(texts)
    except InvalidDestination as error:
        # Somebody typed something else by hand (a feature code, say).
        raise ForeignForward(f"the exchange holds a forward that is not ours: {error}") from error


def build_forward(name: str, config: dict[str, Any]) -> ForwardTelephony:
    """A `freepbx` entry of the settings."""
    keys = FreePbxConfig(**config)
    return ForwardTelephony(name, manager_of(keys), keys.domain, number_format=keys.number_format)


def build_followme(name: str, config: dict[str, Any]) -> FollowMeTelephony:
    """A `freepbx-followme` entry of the settings."""
    keys = FreePbxConfig(**config)
    return FollowMeTelephony(name, manager_of(keys), keys.domain, number_format=keys.number_format)
