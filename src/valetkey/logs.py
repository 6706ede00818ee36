"""Structured logs: for people on a terminal, JSON otherwise, with the request's id.

Secrets live in ``Secret`` and print as a mask. What looks like a key or a token is masked once
more here, in case a library writes it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import Processor

_LOOKS_SECRET: Final = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]+"  # a JSON web token
    r"|vk[tsl]_[0-9A-Za-z]{39}"  # a token, a cookie, a one-time link of ours
    r"|(?i:(?:secret|password|token|signature|credential)[\w-]*[\"']?\s*[=:]\s*)[\"']?[^\s\"',}&]{8,}"
)

#: Libraries that write requests, headers or parameters at their chattiest, or news of their own.
_CHATTY: Final = (
    "aiosqlite",
    "alembic",
    "asyncio",
    "botocore",
    "httpcore2",
    "httpx2",
    "sqlalchemy",
    "urllib3",
    "uvicorn",
)


def mask(text: str) -> str:
    """Return a text with what looks like a secret masked."""
    return _LOOKS_SECRET.sub("********", text)


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask(value)
    return event


def configure(*, style: str = "auto", level: str = "info") -> None:
    """Set up logging for this process, other libraries' too. To standard error."""
    human = style == "human" or (style == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if human
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _masked, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
