"""A person at a browser without scripts, over real HTTP: follows pages, sends their forms."""

from __future__ import annotations

import re
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from .consent import consent


class Visitor:
    """Keeps its cookies and the page that is open."""

    def __init__(self, base: str, http: httpx.Client | None = None) -> None:
        self._http = http or httpx.Client(follow_redirects=False, timeout=20)
        self.url = base
        self.page = ""
        self.status = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str) -> None:
        """Open an address (relative to the open page) and follow its redirects on this host."""
        self._see(self._http.get(urljoin(self.url, path)))

    def submit(self, action: str, **fields: str) -> None:
        """Send the form of the open page whose address ends so, with its hidden fields."""
        for attributes, inside in re.findall(r"<form\b([^>]*)>(.*?)</form>", self.page, re.DOTALL):
            found = re.search(r'action="([^"]*)"', attributes)
            target = urljoin(self.url, unescape(found[1]) if found else "")
            if urlsplit(target).path.endswith(action):
                # As a browser does: behind TLS the form's guard looks at where it was sent from.
                came_from = {"Referer": self.url}
                data = _hidden(inside) | fields
                self._see(self._http.post(target, data=data, headers=came_from))
                return
        raise AssertionError(f"no form to {action} on {self.url}:\n{self.page}")

    def consent(self, email: str) -> None:
        """Stands at Google's door after a press: choose the account, allow, come back."""
        back = urlsplit(self.url)
        query = dict(part.split("=", 1) for part in back.query.split("&"))
        answer = consent(self.url, email)
        callback = httpx.QueryParams(back.query)["redirect_uri"]
        assert query
        self._see(self._http.get(f"{callback}?{urlencode(answer)}"))

    @property
    def text(self) -> str:
        """What the page says, without its tags."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.page)).split())

    def _see(self, answer: httpx.Response) -> None:
        for _ in range(8):
            self.url = str(answer.url)
            if not answer.is_redirect:
                break
            target = urljoin(self.url, answer.headers["Location"])
            if urlsplit(target).netloc != urlsplit(self.url).netloc:
                self.url = target
                return
            answer = self._http.get(target)
        self.page, self.status = answer.text, answer.status_code


def _hidden(form: str) -> dict[str, str]:
    values = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="hidden"' in tag:
            values[name[1]] = unescape(value[1]) if value else ""
    return values
