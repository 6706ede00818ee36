"""``python -m valetkey.cli.setup``: the set-up commands alone, without a server's packages."""

import sys

from valetkey.cli.setup.commands import app

if __name__ == "__main__":
    sys.exit(app())
