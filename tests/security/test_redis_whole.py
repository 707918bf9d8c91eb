"""The whole product on a Redis with the documented user, over TLS: nothing that it asks is denied.

The server itself keeps a list of what it denied; in the end that list is empty.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gcal_plugin.google.governor import Governor
from gcal_plugin.jobs.connection import connect
from gcal_plugin.jobs.queue import RqWake
from gcal_plugin.jobs.states import queue_states
from gcal_plugin.ports import AccessToken
from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.lines import JAN as MOBILE
from tests.support.portal_app import JAN, PREFIX, Person, portal
from tests.support.runtime import make_schema
from tests.support.stage import make_stage

DOCUMENTED = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD = "long-and-random"
_DAY = dt.timedelta(days=1)


def certificate(folder: Path) -> dict[str, Path]:
    """An authority and a certificate for 127.0.0.1, as PEM files."""
    now = dt.datetime.now(dt.UTC)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis.example")])

    def made(
        subject: x509.Name, owner: ec.EllipticCurvePrivateKey, *, is_authority: bool
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(owner.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(authority_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    files = {name: folder / f"{name}.pem" for name in ("authority", "server", "key")}
    files["authority"].write_bytes(
        made(authority, authority_key, is_authority=True).public_bytes(pem)
    )
    files["server"].write_bytes(made(server, key, is_authority=False).public_bytes(pem))
    files["key"].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


class Guarded:
    """A redis-server that speaks TLS only, knows the documented user and an administrator."""

    def __init__(self, folder: Path) -> None:
        files = certificate(folder)
        line = re.search(r"^user gcal on .*$", DOCUMENTED.read_text(), flags=re.MULTILINE)
        assert line is not None
        rules = folder / "users.acl"
        rules.write_text(
            line[0].replace(">the-password", f">{PASSWORD}")
            + "\nuser default off\nuser admin on >admin ~* &* +@all\n"
        )
        self.port = free_port()
        self.authority = files["authority"]
        self.server = RedisServer(
            folder / "redis",
            port=self.port,
            options={
                "port": "0",
                "tls-port": str(self.port),
                "tls-cert-file": str(files["server"]),
                "tls-key-file": str(files["key"]),
                "tls-ca-cert-file": str(files["authority"]),
                "tls-auth-clients": "no",
                "aclfile": str(rules),
            },
        )

    def url(self, user: str = f"gcal:{PASSWORD}") -> str:
        return f"rediss://{user}@127.0.0.1:{self.port}/0?ssl_ca_certs={self.authority}"

    def denied(self) -> list[str]:
        """What the server refused since the last look, by its own list."""
        with redis.Redis.from_url(self.url("admin:admin"), decode_responses=True) as admin:
            found = [f"{one['reason']}: {one['object']}" for one in admin.acl_log()]
            admin.acl_log_reset()
            return found


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path)
    with made.server:
        yield made


def test_worker_clock_pages_and_quota_are_denied_nothing(
    guarded: Guarded, databases: Databases, tmp_path: Path
) -> None:
    with (
        databases.fresh("sqlite", key="schema", prepare=make_schema) as url,
        make_stage(tmp_path, url, guarded.url()) as stage,
    ):
        link = stage.world.link()
        worker = stage.worker()
        stage.clock()
        stage.forward(link, MOBILE, 3, 60)
        stage.soon(lambda: stage.pbx.rings("200"), {MOBILE}, within=40)
        assert "batch_switched" in worker.output(), "the clock did it alone: the queue was not used"
        # A worker that dies leaves its name and its work behind; the next one clears them up.
        worker.kill()
        second = stage.worker()
        other = stage.world.link("201")
        stage.forward(other, MOBILE, 3, 60)
        stage.soon(lambda: stage.pbx.rings("201"), {MOBILE}, within=40)
        stage.soon(lambda: "batch_switched" in second.output(), True, within=20)
        second.stop()
    with connect(guarded.url()) as client:
        wake = RqWake(client)
        assert wake.switch("main", [link])
        assert wake.sync([link], urgent=True)
        assert wake.care("sweep", pbx="main")
        assert wake.mail()
        assert queue_states(client)
        governor = Governor(client)
        access = AccessToken("t", dt.datetime.now(dt.UTC) + _DAY, client_id="c", subject="s")
        governor.admit(access)
        governor.admit_at_once([access, access])
        assert governor.use("c") is not None
    with portal(databases, GCAL_REDIS_URL=guarded.url()) as app:
        jan = Person(app, JAN)
        assert jan.get(f"{PREFIX}/").status_code == 200
        assert jan.post(f"{PREFIX}/request", extensions="999").status_code == 422
    assert guarded.denied() == []
    with redis.Redis.from_url(guarded.url("admin:admin")) as admin:
        assert {name.partition(b":")[0] for name in admin.scan_iter("*")} >= {b"gcal", b"rq"}


def test_the_server_does_list_what_it_denies(guarded: Guarded) -> None:
    """So that the empty list above means something."""
    with redis.Redis.from_url(guarded.url()) as client, pytest.raises(redis.ResponseError):
        client.flushall()
    assert guarded.denied() == ["command: flushall"]


def test_a_certificate_for_another_name_or_from_another_authority_is_refused(
    guarded: Guarded, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    wrong = guarded.url().replace(str(guarded.authority), str(certificate(other)["authority"]))
    named = guarded.url().replace("127.0.0.1", "localhost")
    plain = f"redis://gcal:{PASSWORD}@127.0.0.1:{guarded.port}/0"
    for url in (wrong, named, plain):
        with connect(url) as client:
            assert not RqWake(client).mail()
    with connect(guarded.url()) as client:
        assert RqWake(client).mail()
