"""`python -m benchmarks NAME [--json] [options]`: one figure and its peer, in the same run.

The last line printed is one JSON object. Each benchmark is a module of this package with
`run(options, say) -> dict`; `add_options(parser)` where it has options of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

NAMES = ("herd", "sync", "hook", "change", "idle", "page", "telephony", "pull", "scale")


def main(arguments: list[str]) -> int:
    """Run one benchmark; 1 where its figure misses its limit."""
    name = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")
    module = import_module(f"benchmarks.{name}") if name in NAMES else None
    if module is not None and hasattr(module, "add_options"):
        module.add_options(parser)
    options = parser.parse_args(arguments)
    assert module is not None

    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    result = module.run(options, say)
    print(json.dumps({"name": name, **result}), flush=True)
    return 0 if result.get("passed", True) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
