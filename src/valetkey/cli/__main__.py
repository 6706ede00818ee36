"""``python -m valetkey.cli``: the same as the command ``valetkey``."""

import sys

from valetkey.cli import main

if __name__ == "__main__":
    sys.exit(main())
