"""The group as Flask's own command line finds it (entry point `flask.commands`).

So `flask gcal keys new` works before there is an application that starts: the application does not
start without a key. Every other command loads the application first.
"""

from __future__ import annotations

from . import commands

gcal = commands()
