"""The `broadworks` backend: Xsi-Actions, with the services that a user's own pages show.

One destination is CallForwardingAlways, which silences the own phone. Several are
SimultaneousRingPersonal, which rings them **beside** the own phone: the platform has no other way,
and the capabilities say so. Written after the documentation; not proven on a real platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET  # nosec B405 - declarations are refused before parsing

import httpx
from pydantic import Field, SecretStr

from ..domain.destination import Destination
from ..ports.telephony import (
    Applied,
    BulkResult,
    Capabilities,
    ForeignForward,
    Health,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    TelephonyError,
    Temporary,
    UnknownExtension,
    Unsupported,
)
from .guarded import GuardedTransport
from .http import ExchangeClient, error_of
from .outgoing import OutgoingConfig
from .parallel import one_by_one
from .rendering import NumberFormat, check_line, check_set, parse_set, render_set
from .verdict import judge

XSI = "http://schema.broadsoft.com/xsi"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
ALWAYS = "CallForwardingAlways"
SEVERAL = "SimultaneousRingPersonal"
MOST = 10
WORKERS = 4

ET.register_namespace("", XSI)
ET.register_namespace("xsi", INSTANCE)


class BroadWorksConfig(OutgoingConfig):
    """Keys of a `broadworks` entry; `url` ends in /com.broadsoft.xsi-actions."""

    username: str = Field(min_length=1, description="An administrator of the users' group.")
    password: SecretStr = Field(min_length=1, description="Its password.")
    number_format: NumberFormat = Field(
        default="national", description="How numbers are dialled there."
    )
    answer_confirmation: bool = Field(
        default=False, description="A destination of several has to press a key to take the call."
    )


class BroadWorksTelephony:
    """One BroadWorks; users are `extension@domain`. Safe to use from several threads."""

    def __init__(
        self,
        name: str,
        url: str,
        username: str,
        password: str,
        *,
        number_format: NumberFormat = "national",
        answer_confirmation: bool = False,
        timeout: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            max_destinations=MOST,
            multi_keeps_own_phone=True,
            answer_confirmation=answer_confirmation,
            chains_forwards=True,
            number_format=number_format,
            atomic_replace=False,
            bulk=100,
            proven=False,
        )
        self._client = ExchangeClient(
            url,
            timeout=timeout,
            transport=transport,
            auth=(username, password),
            headers={"accept": "application/xml", "content-type": "application/xml"},
        )
        self._writing = Lock()

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        if expires_at is not None:
            raise Unsupported("BroadWorks cannot end a forward by itself")
        wanted = check_set(destinations, maximum=MOST)
        texts = render_set(wanted, self.capabilities.number_format)
        with self._writing:
            self._set(line, texts)
            return judge(wanted, revision, Applied(self._get(line), revision))

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        return one_by_one(self, states, WORKERS)

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        raise Unsupported("BroadWorks takes no plans")

    def read(self, line: Line) -> Applied:
        return Applied(self._get(line), 0)

    def read_all(self) -> Iterator[LineState]:
        raise Unsupported("Xsi-Actions knows one user at a time and cannot list them")

    def check(self) -> Health:
        try:
            self._ask("GET", "/v2.0/versions")
        except UnknownExtension:
            return Health(True, "reached and let in; it does not tell its version")
        except TelephonyError as error:
            return Health(False, str(error))
        return Health(True, "reached and let in", {"url": self._client.url})

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _set(self, line: Line, texts: list[str]) -> None:
        """The new service is on before the other is off, so that no call falls in between."""
        if len(texts) == 1:
            self._put(line, ALWAYS, _always(texts[0]))
            self._put(line, SEVERAL, _several([], confirm=False))
        else:
            confirm = self.capabilities.answer_confirmation
            self._put(line, SEVERAL, _several(texts, confirm=confirm))
            self._put(line, ALWAYS, _always(None))

    def _get(self, line: Line) -> frozenset[Destination]:
        always = self._ask("GET", _path(line, ALWAYS))
        if _text(always, "active") == "true":
            return _held([_text(always, "forwardToPhoneNumber")])
        several = self._ask("GET", _path(line, SEVERAL))
        if _text(several, "active") == "true":
            return _held([one.text or "" for one in several.iter(f"{{{XSI}}}address")])
        return frozenset()

    def _put(self, line: Line, service: str, body: ET.Element) -> None:
        raw = ET.tostring(body, encoding="utf-8", xml_declaration=True)
        answer = self._client.send("PUT", _path(line, service), raw)
        if not answer.is_success:
            raise error_of(answer)

    def _ask(self, method: str, path: str) -> ET.Element:
        answer = self._client.send(method, path)
        if not answer.is_success:
            raise error_of(answer)
        if b"<!" in answer.content:
            # No answer of the platform declares a document type; entities are never expanded.
            raise Temporary("the answer is not plain XML")
        try:
            return ET.fromstring(answer.content)  # noqa: S314 # nosec B314 - no declaration gets here
        except ET.ParseError as error:
            raise Temporary(f"the answer is not XML: {error}") from error


def _always(to: str | None) -> ET.Element:
    body = ET.Element(f"{{{XSI}}}{ALWAYS}")
    ET.SubElement(body, f"{{{XSI}}}active").text = "false" if to is None else "true"
    number = ET.SubElement(body, f"{{{XSI}}}forwardToPhoneNumber")
    if to is None:
        number.set(f"{{{INSTANCE}}}nil", "true")
    else:
        number.text = to
    ET.SubElement(body, f"{{{XSI}}}ringSplash").text = "false"
    return body


def _several(texts: list[str], *, confirm: bool) -> ET.Element:
    body = ET.Element(f"{{{XSI}}}{SEVERAL}")
    ET.SubElement(body, f"{{{XSI}}}active").text = "true" if texts else "false"
    locations = ET.SubElement(body, f"{{{XSI}}}simRingLocations")
    if not texts:
        locations.set(f"{{{INSTANCE}}}nil", "true")
    for text in texts:
        location = ET.SubElement(locations, f"{{{XSI}}}simRingLocation")
        ET.SubElement(location, f"{{{XSI}}}address").text = text
        required = ET.SubElement(location, f"{{{XSI}}}answerConfirmationRequired")
        required.text = "true" if confirm else "false"
    return body


def _text(body: ET.Element, name: str) -> str:
    return (body.findtext(f"{{{XSI}}}{name}") or "").strip()


def _held(texts: list[str]) -> frozenset[Destination]:
    try:
        return parse_set(text.strip() for text in texts)
    except InvalidDestination as error:
        raise ForeignForward(f"the exchange holds a forward that is not ours: {error}") from error


def _path(line: Line, service: str) -> str:
    check_line(line)
    user = quote(f"{line.extension}@{line.domain}", safe="@")
    return f"/v2.0/user/{user}/services/{service}"


def build(name: str, config: dict[str, Any]) -> BroadWorksTelephony:
    """A `broadworks` entry of the settings."""
    keys = BroadWorksConfig(**config)
    return BroadWorksTelephony(
        name,
        keys.url,
        keys.username,
        keys.password.get_secret_value(),
        number_format=keys.number_format,
        answer_confirmation=keys.answer_confirmation,
        timeout=keys.timeout,
        transport=GuardedTransport(keys.policy, timeout=keys.timeout),
    )
