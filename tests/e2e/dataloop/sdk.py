"""Dataloop's SDK, unmodified, pointed at a Valetkey: what a user's script starts with.

Run as a program in a process of its own, since the SDK keeps its state in globals:
``python sdk.py SCENARIO`` with the facts as JSON on standard input. What the scenario returns is
the last line of standard output.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def connect(facts: dict[str, Any]) -> Any:
    """Return the SDK, logged in with a password or an API key. ``DATALOOP_PATH`` is set."""
    import dtlpy as dl  # noqa: PLC0415  # takes seconds, and reads the environment

    url = facts["url"]
    dl.add_environment(
        environment=f"{url}/dataloop/api/v1",
        alias="local",
        gate_url=f"{url}/dataloop",
        verify_ssl=False,
        url=f"{url}/",
    )
    dl.setenv("local")
    if "api_key" in facts:
        dl.login_api_key(facts["api_key"])
    else:
        dl.login_m2m(email=facts["email"], password=facts["password"])
    return dl


def main() -> None:
    """Run one scenario."""
    sys.path.insert(0, str(Path(__file__).parent))
    module, _, name = sys.argv[1].partition(":")
    facts = json.load(sys.stdin)
    outcome = getattr(importlib.import_module(module), name)(connect(facts), facts)
    sys.stdout.write("\n" + json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
