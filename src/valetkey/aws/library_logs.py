"""botocore writes whole requests and answers to its debug log, secrets too: it may not."""

from __future__ import annotations

import logging
from typing import Final

_TALKATIVE: Final = ("botocore", "urllib3")


def silence_debug_logs() -> None:
    """Keep the debug logs of botocore and urllib3 off, whatever the root logger's level is."""
    for name in _TALKATIVE:
        log = logging.getLogger(name)
        log.setLevel(max(logging.INFO, log.level))
