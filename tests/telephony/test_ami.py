"""The manager's client: a wire that cuts, mixes and dies, and an account that may too little."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gcal_plugin.ports import AuthFailed, InvalidDestination, Temporary
from gcal_plugin.telephony.asterisk.ami import Manager, ManagerRefused
from gcal_plugin.telephony.asterisk.packets import LONGEST_LINE, Reader, render
from gcal_plugin.telephony.outgoing import OutgoingPolicy, OutgoingRefused

LOGIN = [
    "Asterisk Call Manager/11.0.0\r\n",
    "Response: Success\r\nActionID: gcal-1\r\nChallenge: 1234\r\n\r\n",
    "Response: Success\r\nActionID: gcal-2\r\nMessage: Authentication accepted\r\n\r\n",
]


@pytest.fixture
def scripted() -> Iterator[Callable[..., tuple[Manager, list[bytes]]]]:
    """A manager that says what it is told, one answer to each thing it hears."""
    listeners: list[socket.socket] = []
    managers: list[Manager] = []
    threads: list[threading.Thread] = []

    def make(*connections: list[str], timeout: float = 1.0) -> tuple[Manager, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        heard: list[bytes] = []

        def serve() -> None:
            for script in connections:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(script[0].encode())
                    for answer in script[1:]:
                        data = b""
                        while b"\r\n\r\n" not in data:
                            more = connection.recv(4096)
                            if not more:
                                return
                            data += more
                        heard.append(data)
                        for byte in answer.encode():
                            connection.sendall(bytes([byte]))  # as split as it can be

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        threads.append(thread)
        port = listener.getsockname()[1]
        manager = Manager("127.0.0.1", port, "gcal", "the-secret", timeout=timeout)
        managers.append(manager)
        return manager, heard

    yield make
    for manager in managers:
        manager.close()
    for listener in listeners:
        listener.close()
    for thread in threads:
        thread.join(2)


def test_the_secret_never_crosses_the_wire(scripted):
    manager, heard = scripted([*LOGIN, "Response: Success\r\nActionID: gcal-3\r\n\r\n"])
    manager.act("Ping")
    assert manager.banner == "Asterisk Call Manager/11.0.0"
    assert b"Username: gcal" in heard[1]
    assert all(b"the-secret" not in each for each in heard)


def test_events_of_others_and_pieces_of_lines_do_not_confuse_it(scripted):
    noise = (
        "Event: Newchannel\r\nChannel: PJSIP/1\r\n\r\n"
        "Event: DBGetResponse\r\nActionID: gcal-99\r\nVal: somebody else's\r\n\r\n"
    )
    answer = (
        f"{noise}Response: Success\r\nActionID: gcal-3\r\nEventList: start\r\n\r\n"
        f"{noise}Event: DBGetResponse\r\nFamily: CF\r\nKey: 200\r\nVal: 06: 12\r\n"
        f"ActionID: gcal-3\r\n\r\n{noise}"
        "Event: DBGetComplete\r\nActionID: gcal-3\r\nListItems: 1\r\n\r\n"
    )
    manager, _ = scripted([*LOGIN, answer])
    assert manager.get("CF", "200") == "06: 12"


def test_a_connection_that_died_while_idle_is_made_anew(scripted):
    first = [*LOGIN, "Response: Success\r\nActionID: gcal-3\r\n\r\n"]
    second = [LOGIN[0]]
    second += [each.replace("gcal-1", "gcal-5").replace("gcal-2", "gcal-6") for each in LOGIN[1:]]
    second += ["Response: Success\r\nActionID: gcal-7\r\nPing: Pong\r\n\r\n"]
    manager, _ = scripted(first, second)
    manager.act("Ping")
    time.sleep(0.1)  # the script is at its end: the manager hangs up
    assert manager.act("Ping").get("Ping") == "Pong"


def test_an_account_that_may_not_write_is_told_what_it_needs(scripted):
    denied = "Response: Error\r\nActionID: gcal-3\r\nMessage: Permission denied\r\n\r\n"
    manager, _ = scripted([*LOGIN, denied])
    with pytest.raises(AuthFailed, match="write=system"):
        manager.put("gcal", "k", "v")


@pytest.mark.parametrize(("action", "needed"), [("Setvar", "call"), ("Command", "command")])
def test_each_action_names_the_permission_that_it_needs(scripted, action: str, needed: str):
    denied = "Response: Error\r\nActionID: gcal-3\r\nMessage: Permission denied\r\n\r\n"
    manager, _ = scripted([*LOGIN, denied])
    with pytest.raises(AuthFailed, match=f"write={needed}"):
        manager.act(action)


def test_a_value_that_another_deleted_meanwhile_is_deleted(scripted):
    there = (
        "Response: Success\r\nActionID: gcal-3\r\nEventList: start\r\n\r\n"
        "Event: DBGetResponse\r\nFamily: CF\r\nKey: 200\r\nVal: 06\r\nActionID: gcal-3\r\n\r\n"
        "Event: DBGetComplete\r\nActionID: gcal-3\r\nListItems: 1\r\n\r\n"
    )
    words = "Database entry could not be deleted"
    refused = f"Response: Error\r\nActionID: gcal-4\r\nMessage: {words}\r\n\r\n"
    gone = "Response: Error\r\nActionID: gcal-5\r\nMessage: Database entry not found\r\n\r\n"
    manager, _ = scripted([*LOGIN, there, refused, gone])
    assert manager.delete("CF", "200")
    still = there.replace("gcal-3", "gcal-5")
    manager, _ = scripted([*LOGIN, there, refused, still])
    with pytest.raises(ManagerRefused, match="could not be deleted"):
        manager.delete("CF", "200")


def test_a_refusal_of_another_kind_keeps_its_words(scripted):
    odd = "Response: Error\r\nActionID: gcal-3\r\nMessage: Failed to update entry\r\n\r\n"
    manager, _ = scripted([*LOGIN, odd])
    with pytest.raises(ManagerRefused, match="Failed to update entry"):
        manager.put("gcal", "k", "v")


def test_something_that_is_no_manager_is_not_talked_to(scripted):
    manager, heard = scripted(["SSH-2.0-OpenSSH_9.2\r\n"])
    with pytest.raises(Temporary, match="no Asterisk manager"):
        manager.act("Ping")
    assert heard == []


def test_silence_after_the_login_ends_in_time(scripted):
    manager, _ = scripted([*LOGIN, ""], timeout=0.4)
    began = time.monotonic()
    with pytest.raises(Temporary):
        manager.act("Ping")
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("value", ["1\r\nAction: Originate", "1\nx", "1\rx", "é", "x" * 1100])
def test_a_value_never_becomes_a_header_of_its_own(scripted, value: str):
    with pytest.raises(ValueError, match="DBPut"):
        render("DBPut", "1", {"Val": value})
    manager, heard = scripted([*LOGIN, "x"])
    with pytest.raises(InvalidDestination):
        manager.put("gcal", "k", value)
    assert not any(b"Originate" in each for each in heard)


def test_a_line_is_shorter_than_what_the_manager_drops():
    longest = render("DBPut", "1", {"Val": "x" * (LONGEST_LINE - 6)})
    assert max(len(line) for line in longest.split(b"\r\n")) < LONGEST_LINE


def test_the_guard_on_outgoing_addresses_holds_here_too():
    manager = Manager("169.254.169.254", 5038, "u", "s", policy=OutgoingPolicy(private=True))
    with pytest.raises(OutgoingRefused):
        manager.act("Ping")


def test_a_reader_gives_up_on_what_has_no_end():
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def pour() -> None:
            with contextlib.suppress(OSError):  # the reader hung up, as it should
                theirs.sendall(b"x" * 6_000_000)

        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        with pytest.raises(Temporary, match="no end"):
            Reader(ours).line(time.monotonic() + 10)
    thread.join(2)
