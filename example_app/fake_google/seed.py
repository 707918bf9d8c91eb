"""What a local Google begins with: nothing but a client, or the demonstration's people."""

from __future__ import annotations

from .model import Client
from .seed_demo import fill
from .state import State

CLIENT_ID = "local-client.apps.googleusercontent.example"
CLIENT_SECRET = "local-secret"


def seed(state: State, name: str) -> None:
    """Fill an empty state; a state that was filled before is left as it is."""
    if state.clients:
        return
    state.save_client(Client(CLIENT_ID, CLIENT_SECRET, "Google Calendar Integratie", loopback=True))
    if name == "demo":
        fill(state)
