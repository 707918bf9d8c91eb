"""The queue's server with an ACL user and TLS, as the documentation says: enough, and no more."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from flask import Flask
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from gcal_plugin.jobs.connection import connect
from gcal_plugin.jobs.queue import RqWake
from gcal_plugin.jobs.queues import QueueName
from gcal_plugin.jobs.worker import work
from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.support.portal_app import portal

ROOT = Path(__file__).parents[2]
PASSWORD = "long-and-random"
REFUSED = "(?i)permission|can't access|not allowed"


def documented_user() -> str:
    """The line of the documentation, so that what is told is what is tried."""
    found = re.search(r"^user gcal on .*$", (ROOT / "docs/security.md").read_text(), re.MULTILINE)
    assert found is not None
    return found[0].replace(">the-password", f">{PASSWORD}")


@pytest.fixture
def guarded(make_redis: Callable[..., RedisServer]) -> RedisServer:
    server = make_redis()
    with server.client() as admin:
        words = documented_user().split()
        admin.execute_command("ACL", "SETUSER", *words[1:])
        admin.execute_command("ACL", "SETUSER", "admin", "on", ">admin", "~*", "&*", "+@all")
        admin.execute_command("ACL", "SETUSER", "default", "off")
    return server


def administrator(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(url_of(server, user="admin", password="admin"))


def denied(server: RedisServer) -> list[str]:
    """What the server refused to anybody, by its own list."""
    with administrator(server) as admin:
        return [f"{one['reason']}: {one['object']}" for one in admin.acl_log()]


def test_the_documented_line_names_each_command_and_no_category() -> None:
    words = documented_user().split()
    assert "nocommands" in words
    assert not [word for word in words if "@" in word or word in {"allcommands", "~*", "&*"}]


def url_of(server: RedisServer, user: str = "gcal", password: str = PASSWORD) -> str:
    return server.url().replace("redis://", f"redis://{user}:{password}@")


def test_queue_worker_and_limits_work_with_the_documented_user(
    guarded: RedisServer, databases: Databases
) -> None:
    with portal(databases, GCAL_REDIS_URL=url_of(guarded)) as app:
        run_a_mail_job(app)
        with app.app_context():
            client = app.test_client()
            assert client.get("/google-calendar/").status_code == 302
            with administrator(guarded) as admin:
                keys = {key.decode().split(":")[0].split("/")[0] for key in admin.scan_iter("*")}
            assert {"rq", "LIMITS"} <= keys
            governor = app.extensions["gcal"].extras["governor"]
            assert governor is not None
    assert denied(guarded) == []


def run_a_mail_job(app: Flask) -> None:
    url = app.config["GCAL_REDIS_URL"]
    with connect(url) as client:
        assert RqWake(client).mail()
        queue = Queue(QueueName.MAIL.value, connection=client, serializer=JSONSerializer)
        assert len(queue) == 1
        work(app, QueueName.MAIL, burst=True)
        assert len(queue) == 0
        assert len(queue.failed_job_registry) == 0


@pytest.mark.parametrize(
    "command",
    [
        ["CONFIG", "SET", "dir", "/tmp"],
        ["CONFIG", "GET", "*"],
        ["FLUSHALL"],
        ["FLUSHDB"],
        ["SHUTDOWN"],
        ["DEBUG", "SLEEP", "0"],
        ["SLAVEOF", "127.0.0.1", "1"],
        ["MODULE", "LIST"],
        ["ACL", "LIST"],
        ["KEYS", "*"],
        ["MONITOR"],
        ["SAVE"],
        ["SET", "somebody-elses", "x"],
        ["GET", "session:somebody"],
        ["PUBLISH", "somebody-elses", "x"],
        ["EVAL", "return redis.call('get', 'session:somebody')", "0"],
        ["EVAL", "return 1", "0"],
        ["SCAN", "0"],
        ["RANDOMKEY"],
        ["DUMP", "rq:queue:gcal-mail"],
        ["RENAME", "rq:a", "rq:b"],
        ["COPY", "rq:a", "rq:b"],
        ["CLIENT", "KILL", "TYPE", "normal"],
        ["FUNCTION", "LIST"],
        ["SCRIPT", "FLUSH"],
        ["PUBLISH", "rq:pubsub:worker", "{}"],
        ["SUBSCRIBE", "rq:other"],
    ],
)
def test_the_documented_user_can_do_no_more(guarded: RedisServer, command: list[str]) -> None:
    refused = pytest.raises(redis.ResponseError, match=REFUSED)
    with redis.Redis.from_url(url_of(guarded)) as client, refused:
        client.execute_command(*command)


def test_without_the_password_the_server_says_nothing(guarded: RedisServer) -> None:
    for url in (guarded.url(), url_of(guarded, password="wrong"), url_of(guarded, user="default")):
        with redis.Redis.from_url(url) as client, pytest.raises(redis.RedisError):
            client.ping()


def test_a_job_that_names_another_function_is_refused(
    guarded: RedisServer, databases: Databases, tmp_path: Path
) -> None:
    """Whoever reaches the queue's server can ask for our own tasks, and for nothing else."""
    made = tmp_path / "made-by-an-attacker"
    with (
        portal(databases, GCAL_REDIS_URL=url_of(guarded)) as app,
        connect(app.config["GCAL_REDIS_URL"]) as client,
    ):
        queue = Queue(QueueName.MAIL.value, connection=client, serializer=JSONSerializer)
        jobs = [
            queue.enqueue_call("os.system", args=[f"touch {made}"]),
            queue.enqueue_call("subprocess.check_call", args=[["touch", str(made)]]),
            queue.enqueue_call("gcal_plugin.store.crypto.new_key"),
            queue.enqueue_call("gcal_plugin.jobs.tasks.os.system", args=[f"touch {made}"]),
        ]
        # A pickle in place of JSON, as an older library would have run it.
        raw = queue.enqueue_call("gcal_plugin.jobs.tasks.send_mail")
        pickled = b"cos\nsystem\n(S'touch " + str(made).encode() + b"'\ntR."
        client.hset(f"rq:job:{raw.id}", "data", pickled)
        work(app, QueueName.MAIL, burst=True)
        states = [
            Job.fetch(job.id, connection=client, serializer=JSONSerializer).get_status()
            for job in jobs
        ]
    assert states == [JobStatus.FAILED] * len(jobs)
    assert denied(guarded) == []  # failing is a way that the user has to be able to go as well
    assert not made.exists()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate authority of our own and a certificate for 127.0.0.1."""
    folder = tmp_path / "tls"
    folder.mkdir()
    commands = [
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt -subj /CN=ca",
        "openssl req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=redis",
    ]
    for command in commands:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    sign = "openssl x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
    subprocess.run(
        [*sign.split(), "-out", "redis.crt", "-extfile", "san"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def test_queue_and_worker_over_tls(
    make_redis: Callable[..., RedisServer],
    certificates: Path,
    databases: Databases,
    tmp_path: Path,
) -> None:
    plain = make_redis()
    plain.stop()
    secure = RedisServer(
        tmp_path / "secure",
        port=plain.port,
        options={
            "port": "0",
            "tls-port": str(plain.port),
            "tls-cert-file": str(certificates / "redis.crt"),
            "tls-key-file": str(certificates / "redis.key"),
            "tls-ca-cert-file": str(certificates / "ca.crt"),
            "tls-auth-clients": "no",
        },
    )
    trusted = f"rediss://127.0.0.1:{plain.port}/0?ssl_ca_certs={certificates / 'ca.crt'}"
    with secure, portal(databases, GCAL_REDIS_URL=trusted) as app:
        run_a_mail_job(app)
        with connect(f"rediss://127.0.0.1:{plain.port}/0") as stranger:
            # Without the authority the certificate is nobody's, and nothing is sent.
            assert RqWake(stranger).mail() is False
            with pytest.raises((redis.ConnectionError, ssl.SSLError)):
                stranger.ping()
