"""``python -m valetkey.embedded``: the stand-in in a process of its own, for tests that kill.

Prints one line of JSON (endpoint, key, secret) and serves until standard input closes.
"""

from __future__ import annotations

import json
import sys

from valetkey.embedded.server import EmbeddedAws


def main() -> None:
    """Serve until nobody holds the other end of standard input."""
    with EmbeddedAws() as aws:
        facts = {
            "endpoint": aws.endpoint,
            "key": aws.administrator.id,
            "secret": aws.administrator.secret.reveal(),
        }
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
