"""Receivers of the webhook contract as the contract suite wants its servers."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Literal

import httpx

from gcal_plugin.ports import Capabilities
from gcal_plugin.telephony.webhook import BULK, WebhookTelephony
from tests.contracts.telephony import LINES, REFUSED
from tests.servers import Child, free_port

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + base64.b64encode(b"a secret that both sides know..").decode()
WRONG = "whsec_" + base64.b64encode(b"a secret that one side made up.").decode()


class WebhookServer:
    """A process that receives the webhook contract; stop it with `stop()`."""

    def __init__(self, folder: Path, program: list[str]) -> None:
        self.port = free_port()
        self._adapters: list[WebhookTelephony] = []
        self._lines = folder / "lines.json"
        self._lines.write_text(json.dumps(LINES))
        self._child = Child(
            [
                sys.executable,
                *program,
                "--port",
                str(self.port),
                "--secret",
                SECRET,
                "--data",
                str(folder / "held"),
                "--lines",
                str(self._lines),
            ],
            log=folder / "server.log",
            name="webhook receiver",
            cwd=ROOT,
        )
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(
        self,
        port: int,
        *,
        timeout: float = 5.0,
        credentials: Literal["right", "wrong"] = "right",
    ) -> WebhookTelephony:
        adapter = WebhookTelephony(
            "webhook",
            f"http://127.0.0.1:{port}",
            SECRET if credentials == "right" else WRONG,
            capabilities=Capabilities(max_destinations=10, fences=True, bulk=BULK, plan=True),
            timeout=timeout,
        )
        self._adapters.append(adapter)
        return adapter

    def start(self) -> None:
        self._child.start()
        self._child.wait_for(r"^ready http")

    def restart(self) -> None:
        self._child.kill()
        self.start()

    def stop(self) -> None:
        for adapter in self._adapters:
            adapter.close()
        self._child.stop()


class DemoPbx(WebhookServer):
    """The demo exchange, with its back door."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ["-m", "example_app.demo_pbx"])

    def start(self) -> None:
        super().start()
        self.control("exchange", {"refused": [REFUSED.value]})

    def control(self, what: str, body: object = None) -> dict[str, object]:
        """Ask or tell the back door."""
        address = f"{self.url}/_control/{what}"
        answer = httpx.get(address) if body is None else httpx.post(address, json=body)
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found


def reference_receiver(folder: Path) -> WebhookServer:
    """The one-file receiver of the docs."""
    return WebhookServer(folder, ["docs/reference_receiver.py"])
