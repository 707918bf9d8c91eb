"""An Asterisk manager over its real protocol: banner, challenge, ActionIDs, events in between.

AstDB's answers and messages are Asterisk's own (main/db.c, main/manager.c); values end after 255
characters on reading, a line of 1,024 characters or more is dropped, deleting nothing is an error
and deleting a tree reads `_` as any character, as there. Run as a
process: `python -m tests.fakes.ami --port N --data FILE`; it says `ready`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import socketserver
import sys
import threading
import time
from pathlib import Path

USER, SECRET = "gcal", "only-for-this-test"
NEEDED = {"setvar": "call", "command": "command"}
BANNER = "Asterisk Call Manager/11.0.0\r\n"


class AstDb:
    """Families and keys; kept in a file at every write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.rows: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.rows))
        new.replace(self.path)


class Session(socketserver.StreamRequestHandler):
    """One logged-in (or not yet) manager."""

    server: AmiServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.chance = random.Random(1)
        self.challenge = ""
        self.known = False
        self.send(BANNER)
        while True:
            headers: dict[str, str] = {}
            while True:
                raw = self.rfile.readline()
                if not raw:
                    return
                line = raw.decode().rstrip("\r\n")
                if not line:
                    break
                if len(line) >= 1024:
                    continue  # "line too long", and on with the next
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            if headers and not self.act(headers):
                return

    def send(self, text: str) -> None:
        """In pieces, since TCP promises no others."""
        data = text.encode()
        if self.server.split and len(data) > 20:
            cut = self.chance.randrange(1, len(data))
            self.wfile.write(data[:cut])
            self.wfile.flush()
            time.sleep(0.0005)
            data = data[cut:]
        self.wfile.write(data)
        self.wfile.flush()

    def reply(self, number: str, response: str, message: str, *more: str) -> bool:
        # Asterisk sends what happens to everybody's calls whenever it happens.
        event = (
            "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/200-00000001\r\n"
            "ChannelState: 0\r\nActionID: somebody-elses\r\n\r\n"
        )
        lines = [f"Response: {response}"]
        lines += [f"ActionID: {number}"] if number else []
        lines += list(more) + ([f"Message: {message}"] if message else [])
        self.send((event if self.known else "") + "\r\n".join(lines) + "\r\n\r\n")
        return True

    def error(self, number: str, message: str) -> bool:
        return self.reply(number, "Error", message)

    def act(self, headers: dict[str, str]) -> bool:
        action, number = headers.get("action", "").lower(), headers.get("actionid", "")
        if action == "challenge":
            self.challenge = str(random.SystemRandom().randrange(10**8, 10**9))
            return self.reply(number, "Success", "", f"Challenge: {self.challenge}")
        if action == "login":
            right = hashlib.md5((self.challenge + SECRET).encode()).hexdigest()
            if headers.get("username") == USER and headers.get("key") == right and self.challenge:
                self.reply(number, "Success", "Authentication accepted")
                self.known = True
                self.send(
                    "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 12\r\n"
                    "LastReload: 12\r\nStatus: Fully Booted\r\n\r\n"
                )
                return True
            self.error(number, "Authentication failed")
            return False
        if not self.known:
            return self.error(number, "Permission denied")
        if action == "ping":
            return self.reply(number, "Success", "", "Ping: Pong", "Timestamp: 1795453456.0")
        if action == "logoff":
            self.reply(number, "Goodbye", "Thanks for all the fish.")
            return False
        needed = NEEDED.get(action, "system" if action.startswith("db") else "")
        if needed and needed not in self.server.may:
            return self.error(number, "Permission denied")
        with self.server.db.lock:
            return self.database(action, number, headers)

    def database(  # noqa: PLR0911 - one answer an action
        self, action: str, number: str, headers: dict[str, str]
    ) -> bool:
        rows, family, key = self.server.db.rows, headers.get("family", ""), headers.get("key", "")
        path = f"/{family}/{key}" if key else f"/{family}"
        if action == "setvar":
            rows[f"/variables/{headers.get('variable')}"] = headers.get("value", "")
            self.server.db.keep()
            return self.reply(number, "Success", "Variable Set")
        if action == "command":
            return self.command(number, headers.get("command", ""))
        if action.startswith("db") and not family:
            return self.error(number, "No family specified.")
        if action == "dbput":
            rows[path] = headers.get("val", "")
            self.server.db.keep()
            return self.reply(number, "Success", "Updated database successfully")
        if action == "dbget":
            if path not in rows:
                return self.error(number, "Database entry not found")
            return self.listed(number, "DBGet", [(family, key, rows[path][:255])])
        if action == "dbgettree" and not self.server.old:
            found = [(k, v[:255]) for k, v in sorted(rows.items()) if k.startswith(path + "/")]
            return self.listed(number, "DBGetTree", [("", k, v) for k, v in found])
        if action == "dbdel":
            if rows.pop(path, None) is None:
                return self.error(number, "Database entry could not be deleted")
            self.server.db.keep()
            return self.reply(number, "Success", "Key deleted successfully")
        if action == "dbdeltree":
            like = re.escape(path).replace("_", ".").replace("%", ".*") + "/.*"
            gone = [k for k in rows if re.fullmatch(like, k + "/", re.IGNORECASE)]
            for each in gone:
                del rows[each]
            self.server.db.keep()
            if not gone:
                return self.error(number, "Database entry not found")
            return self.reply(number, "Success", "Key tree deleted successfully")
        asked = headers.get("action", "")
        hint = "Use Action: ListCommands to show available commands."
        return self.error(number, f"Invalid/unknown command: {asked}. {hint}")

    def listed(self, number: str, name: str, rows: list[tuple[str, str, str]]) -> bool:
        self.reply(number, "Success", "Result will follow", "EventList: start")
        for family, key, value in rows:
            of = f"Family: {family}\r\n" if family else ""
            self.send(
                f"Event: {name}Response\r\n{of}Key: {key}\r\nVal: {value}\r\n"
                f"ActionID: {number}\r\n\r\n"
            )
        self.send(
            f"Event: {name}Complete\r\nActionID: {number}\r\nEventList: Complete\r\n"
            f"ListItems: {len(rows)}\r\n\r\n"
        )
        return True

    def command(self, number: str, command: str) -> bool:
        family = command.removeprefix("database show ").strip()
        rows = self.server.db.rows
        found = [f"{k:<50}: {v}" for k, v in sorted(rows.items()) if k.startswith(f"/{family}/")]
        lines = [f"Output: {line}" for line in [*found, f"{len(found)} results found."]]
        return self.reply(number, "Success", "", "Message: Command output follows", *lines)


class AmiServer(socketserver.ThreadingTCPServer):
    """The listener."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, data: Path, *, old: bool, split: bool, may: str) -> None:
        self.may = set(may.split(","))
        self.db = AstDb(data)
        self.old = old
        self.split = split
        super().__init__(("127.0.0.1", port), Session)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--old", action="store_true", help="as before DBGetTree")
    parser.add_argument("--split", action="store_true", help="cut what is sent in two")
    parser.add_argument("--may", default="system", help="what the account may write")
    given = parser.parse_args()
    server = AmiServer(given.port, given.data, old=given.old, split=given.split, may=given.may)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
