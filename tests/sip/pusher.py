"""Pushes sets without pause from a process of its own, until it is ended.

    pusher.py URL TOKEN SEED LINES SIZE

Set number n of a line is SIZE numbers that all carry n, so a mixture is seen at once. Prints
`line n` after each acknowledged write.
"""

from __future__ import annotations

import random
import sys

from gcal_plugin.ports import Line, StaleRevision, Temporary
from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.contracts.telephony import numbers


def numbered(place: int, size: int):
    """The set with this number: `+3161nnnnn0`, `+3161nnnnn1`, ..."""
    return numbers(size, start=10_000_000 + place * 10)


def main() -> None:
    url, token, seed, lines, size = sys.argv[1:]
    chance = random.Random(int(seed))
    pbx = KamailioTelephony("kamailio", url, token)
    revision = 0
    while True:
        revision += 1
        extension = str(200 + chance.randrange(int(lines)))
        line = Line("acme.example", extension)
        try:
            held = pbx.read(line).revision
            pbx.replace(line, numbered(held + 1, int(size)), revision=held + 1)
        except StaleRevision:
            continue  # another pusher was first
        except Temporary:
            return  # the exchange is gone; so is our work
        sys.stdout.write(f"{extension} {held + 1}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
