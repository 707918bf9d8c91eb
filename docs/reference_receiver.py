#!/usr/bin/env python3
"""A receiver of the signed webhook contract in one file, standard library only: start from here.

    python3 reference_receiver.py --secret whsec_... [--port 8080] [--data held.json]
                                  [--lines lines.json]

It answers every write with the state it holds, ignores a revision that is not newer, and takes
bulk writes and plans. Replace `apply_to_pbx` by what makes your exchange ring those phones. Put
TLS and your own log-in in front of it before it leaves this machine.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import re
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

TOLERANCE = 300  # seconds that a signature stays good
PAGE = 500
NUMBER = re.compile(r"\+[1-9][0-9]{3,14}")
EXTENSION = re.compile(r"[0-9]{2,6}")


def apply_to_pbx(domain, extension, destinations):
    """Yours to write: from now on a call to this extension rings these, or its own phone if none.

    Raise `Refusal(422, ...)` for a destination that your exchange will not call.
    """


class Refusal(Exception):
    def __init__(self, status, message, **more):
        super().__init__(message)
        self.status = status
        self.body = {"error": message, **more}


class Store:
    """What each line holds: {"destinations", "revision"} and, where there is a plan, "plan"."""

    def __init__(self, path=None, lines=None):
        self.lock = threading.RLock()
        self.path = path
        self.lines = lines
        self.held = {}
        if path and path.exists():
            kept = json.loads(path.read_text("utf-8"))
            self.held = {tuple(key.rsplit("/", 1)): value for key, value in kept}

    def check(self, domain, extension):
        if self.lines is not None and extension not in self.lines.get(domain, ()):
            raise Refusal(404, "no such extension", code="unknown_extension")

    def put(self, changes):
        """Replace each line whose revision is newer; keep the whole before answering."""
        with self.lock:
            for (domain, extension), wanted in changes:
                old = self.held.get((domain, extension), {"revision": 0})
                if wanted["revision"] > old["revision"]:
                    self.held[domain, extension] = wanted
                    apply_to_pbx(domain, extension, ringing(wanted, time.time()))
            if self.path:
                new = self.path.with_suffix(".new")
                with new.open("w", encoding="utf-8") as file:
                    json.dump([("/".join(key), value) for key, value in self.held.items()], file)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self.path)

    def state(self, domain, extension):
        with self.lock:
            held = self.held.get((domain, extension), {"destinations": [], "revision": 0})
            return {
                "domain": domain,
                "extension": extension,
                "destinations": ringing(held, time.time()),
                "revision": held["revision"],
            }

    def page(self, after):
        with self.lock:
            lines = sorted(self.held)
        if after:
            lines = [line for line in lines if line > tuple(after.rsplit("/", 1))]
        chosen, more = lines[:PAGE], len(lines) > PAGE
        return {
            "states": [self.state(*line) for line in chosen],
            "next": "/".join(chosen[-1]) if more else None,
        }


def ringing(held, at):
    """Who rings at an instant. A plan decides by this machine's own clock."""
    plan = held.get("plan")
    if plan is None:
        return held["destinations"]
    now = {}
    for window in plan["windows"]:
        if window["start"] <= at < window["end"] and window["start"] < plan["valid_until"]:
            now[window["destination"]["value"]] = window["destination"]
    return [now[value] for value in sorted(now)]


def verify(secret, headers, body):
    """Standard Webhooks: HMAC-SHA256 over id, timestamp and body; ids guard against nothing more,
    because an old revision is ignored anyway."""
    message, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message or not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE:
        raise Refusal(401, "signature: missing, or too old")
    signed = message.encode() + b"." + stamp.encode() + b"." + body
    right = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    for given in headers.get("webhook-signature", "").split():
        version, _, signature = given.partition(",")
        if version == "v1" and hmac.compare_digest(signature.encode(), right.encode()):
            return
    raise Refusal(401, "signature: does not match")


def read_destination(value):
    kinds = {"number": NUMBER, "extension": EXTENSION}
    try:
        if kinds[value["kind"]].fullmatch(value["value"]):
            return {"kind": value["kind"], "value": value["value"]}
    except (KeyError, TypeError):
        pass
    raise Refusal(422, "not a destination", code="invalid_destination", destination=value)


def read_instant(text):
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return at.astimezone(UTC).timestamp()


def read_state(body, what):
    """A body of `forwards` or `plan` as what the store keeps."""
    try:
        line = (body["domain"], body["extension"])
        revision = body["revision"]
        if what == "forwards":
            kept = {"destinations": [read_destination(one) for one in body["destinations"]]}
        else:
            windows = [
                {
                    "start": read_instant(window["start"]),
                    "end": read_instant(window["end"]),
                    "destination": read_destination(window["destination"]),
                }
                for window in body["windows"]
            ]
            plan = {"windows": windows, "valid_until": read_instant(body["valid_until"])}
            kept = {"destinations": [], "plan": plan}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refusal(400, f"not understood: {error}") from None
    if type(revision) is not int or revision < 1 or not all(type(part) is str for part in line):
        raise Refusal(400, "not understood")
    return line, {**kept, "revision": revision}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def do_GET(self):
        self.serve()

    def do_PUT(self):
        self.serve()

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            verify(self.server.secret, self.headers, body)
            status, answer = 200, self.route(body)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def route(self, body):
        store, url = self.server.store, urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts == ["forwards"] and self.command == "GET":
            return store.page(parse_qs(url.query).get("after", [""])[0])
        if parts == ["forwards"]:
            return self.many(parse_json(body))
        if len(parts) != 5 or (parts[0], parts[2]) != ("domains", "extensions"):
            raise Refusal(404, "no such address")
        domain, extension, what = parts[1], parts[3], parts[4]
        store.check(domain, extension)
        if self.command == "GET" and what == "forwards":
            return store.state(domain, extension)
        if self.command != "PUT" or what not in ("forwards", "plan"):
            raise Refusal(405, "not done here")
        line, new = read_state(parse_json(body), what)
        if line != (domain, extension):
            raise Refusal(400, "the body is about another line than the address")
        store.put([(line, new)])
        return store.state(domain, extension)

    def many(self, body):
        store, states = self.server.store, body.get("states")
        if not isinstance(states, list) or len(states) > 500:
            raise Refusal(400, "states must be a list of at most 500")
        results, changes = [], []
        for state in states:
            try:
                line, new = read_state(state, "forwards")
                store.check(*line)
            except Refusal as refusal:
                of = state if isinstance(state, dict) else {}
                named = {"domain": of.get("domain"), "extension": of.get("extension")}
                results.append({**named, "ok": False, "permanent": True, **refusal.body})
            else:
                changes.append((line, new))
                results.append({"domain": line[0], "extension": line[1], "ok": True})
        store.put(changes)
        for result in results:
            if result["ok"]:
                result.update(store.state(result["domain"], result["extension"]))
        return {"results": results}

    def log_message(self, format, *args):  # noqa: A002
        pass


def parse_json(body):
    try:
        value = json.loads(body)
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal(400, "the body is not an object")
    return value


def follow_plans(store):
    """Tell the exchange at each edge of a plan; half a second is as late as this gets."""
    rung = {}
    while True:
        time.sleep(0.5)
        with store.lock:
            planned = {line: held for line, held in store.held.items() if "plan" in held}
            for line, held in planned.items():
                now = ringing(held, time.time())
                if rung.get(line) != now:
                    rung[line] = now
                    apply_to_pbx(*line, now)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--secret", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument(
        "--lines", type=Path, help="JSON file: extensions by domain; without it all exist"
    )
    given = parser.parse_args()
    try:
        secret = base64.b64decode(given.secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        parser.error("the secret is whsec_ and base64")
    lines = json.loads(given.lines.read_text("utf-8")) if given.lines else None
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.daemon_threads = True
    server.secret = secret
    server.store = Store(given.data, lines)
    threading.Thread(target=follow_plans, args=(server.store,), daemon=True).start()
    print(f"ready http://127.0.0.1:{server.server_address[1]}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
