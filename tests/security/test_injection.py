"""Hostile texts on the real pages: shown as they are, and never anything but text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from flask import Flask

from tests.servers.databases import Databases
from tests.support.payloads import furnish, payloads, places, plant
from tests.support.portal_app import JAN, OPERATOR, PREFIX, SUPPORT, Person, portal

COUNT = 500
URLS = frozenset({"href", "src", "action", "formaction", "srcset", "data", "content", "poster"})
DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Skeleton(HTMLParser):
    """A page without its words: elements, attribute names; the words beside it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.bones: list[tuple[str, ...]] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bones.append((tag, *sorted(name for name, _ in attrs)))
        for name, value in attrs:
            if name in URLS:
                self.addresses.append(value or "")
            else:
                self.words.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.bones.append(("/" + tag,))

    def handle_comment(self, data: str) -> None:
        self.bones.append(("comment", data))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases, RATELIMIT_ENABLED=False) as made:
        yield made


@pytest.fixture(scope="module")
def pages(app: Flask) -> list[tuple[Person, str]]:
    """Everybody who may see texts of others, and where."""
    request_id = furnish(app)
    jan, desk, operator = Person(app, JAN), Person(app, SUPPORT), Person(app, OPERATOR)
    own = ("/", "/request", f"/request/{request_id}", "/precautions", "/disconnect", "/plan")
    theirs = ("/", "/direct", "/prices", "/blocked", "/mails", f"/requests/{request_id}")
    found = [(jan, f"{PREFIX}{path}") for path in own]
    found += [(desk, f"{PREFIX}/support{path}") for path in theirs]
    found += [(desk, f"{PREFIX}/support/?state=all"), (desk, f"{PREFIX}/support/mails?state=all")]
    return [*found, (operator, f"{PREFIX}/operator/"), (jan, "/"), (jan, "/settings")]


def look(pages: list[tuple[Person, str]]) -> list[Skeleton]:
    found = []
    for person, path in pages:
        answer = person.get(path)
        assert answer.status_code == 200, path
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert answer.headers.getlist("Set-Cookie") == [] or "zx=1" not in str(answer.headers)
        found.append(Skeleton(person.page))
    return found


def as_shown(text: str) -> str:
    """What of a text is left to see: no direction marks, white space as one space."""
    return " ".join(DIRECTION.sub("", text).replace("\x00", "").replace("\ufffd", "").split())


@pytest.mark.timeout(300)
def test_five_hundred_payloads_stay_text(app: Flask, pages: list[tuple[Person, str]]) -> None:
    texts = payloads(COUNT)
    assert len(set(texts)) == COUNT
    plant(app, [f"zx{number:04}zx plain" for number in range(places(app))])
    innocent = look(pages)
    assert sum("zx0000zx" in " ".join(one.words) for one in innocent) >= 1
    seen: set[str] = set()
    step = places(app)
    for shift in range(0, COUNT, step):
        plant(app, texts, shift)
        here = [texts[(shift + place) % COUNT] for place in range(step)]
        for (_, path), plain, hostile in zip(pages, innocent, look(pages), strict=True):
            assert hostile.bones == plain.bones, f"{path} has other elements than with plain words"
            assert all(not DIRECTION.search(one) for one in hostile.words), path
            for address in hostile.addresses:
                assert re.match(r"(?i)(/|\?|#|https?://|mailto:|tel:|[\w,.=\- ;]*$)", address), path
                assert "evil" not in address.partition("?")[0]
            shown = as_shown("\n".join(hostile.words))
            for text in here:
                if text[:8] in shown:
                    seen.add(text)
                    assert as_shown(text) in shown, f"{path} shows {text!r} as something else"
    # Whatever is stored somewhere is shown somewhere, so that the test looks at something.
    assert len(seen) > COUNT * 0.8


def fill(person: Person, page: str, fields: dict[str, str]) -> None:
    """Fill a page's form in; the one page without a token is asked for with its values."""
    if page.endswith("/plan"):
        person.get(f"{page}?{urlencode(fields)}")
        return
    person.get(page)
    person.post(page, **fields)


def test_what_people_send_with_a_form_comes_back_as_text(app: Flask) -> None:
    """Refused forms show again what was typed."""
    desk, jan = Person(app, SUPPORT), Person(app, JAN)
    for text in payloads(50):
        for person, page, fields in (
            (jan, f"{PREFIX}/plan", ("number", "date")),
            (jan, f"{PREFIX}/precautions", ("fallback", "second_contact")),
            (desk, f"{PREFIX}/support/blocked", ("number", "note")),
            (desk, f"{PREFIX}/support/direct", ("email", "extension")),
        ):
            fill(person, page, dict.fromkeys(fields, text))
            assert person.answer.status_code in {200, 422}, (page, text)
            for start in ("<script>window", "<svg onload", "<img src=x", "<iframe", "<base"):
                assert start not in person.page.lower(), (page, text)


@pytest.mark.parametrize(
    "language, words", [("nl", "Dit is te lang."), ("en", "This is too long.")]
)
def test_too_much_text_is_told_in_the_language_of_the_page(
    app: Flask, language: str, words: str
) -> None:
    for email, page, field in (
        (JAN, f"{PREFIX}/plan", "number"),
        (JAN, f"{PREFIX}/precautions", "fallback"),
        (SUPPORT, f"{PREFIX}/support/blocked", "number"),
    ):
        person = Person(app, email, language=language)
        fill(person, page, {field: "1" * 300})
        assert words in person.text, page


ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example/%2e%2e", "/\\evil.example",
    "\\\\evil.example", "/\\/evil.example", "http://evil.example", "https:evil.example",
    "https:/evil.example", "HTTPS://EVIL.example", "http:///evil.example", "javascript:alert(1)",
    "data:text/html,x", "vbscript:x", "//evil.example@portal.example", "/\t/evil.example",
    "/\n/evil.example", "\t//evil.example", " //evil.example", "/%09/evil.example",
    "/%5cevil.example", "/%2f%2fevil.example", "\u2028//evil.example", "／／evil.example",
    "/\u0000/evil.example", "http:evil.example", "?next=//evil.example", "evil.example",
    ".evil.example", "@evil.example", "/;@evil.example", "/..//evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_elsewhere(app: Flask, target: str) -> None:
    person = Person(app)
    person.client.get("/login")
    person.get("/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', person.page)
    assert token is not None
    answer = person.client.post(
        "/login",
        query_string={"next": target},
        data={"email": JAN, "password": "demo", "csrf_token": token[1]},
    )
    assert answer.status_code == 303
    where = answer.headers["Location"]
    assert re.match(r"/(?![/\\\s])", where) or where == "/", where
    for parameter in ("next", "return_to", "return_host", "url", "redirect_uri", "state"):
        found = person.client.get(f"{PREFIX}/callback", query_string={parameter: target})
        location = found.headers.get("Location", "/")
        assert re.match(r"(/(?![/\\])|http://localhost/)", location), location


def test_a_log_line_stays_one_line(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """A name with line ends and terminal codes cannot write a line of its own into the log."""
    import structlog

    log = structlog.get_logger("gcal_plugin")
    for text in payloads(COUNT)[::7]:
        log.error("line_unworkable", fault=text + "\n2026-01-01 [info] all_is_well\x1b[2J\r")
        seen = capsys.readouterr()
        said = seen.out + seen.err
        assert said.count("\n") == 1
        assert "\x1b[2J" not in said
        assert "\r" not in said.rstrip("\n")
        assert not DIRECTION.search(said)
