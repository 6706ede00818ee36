"""The application over doubles, around one framework for all tests of a process."""

from __future__ import annotations

import functools
from typing import Any, Final

from litestar import Litestar

from support.memory import Memory
from valetkey.api.app import ApiOptions, make_framework, serving
from valetkey.console import Console

_PAGES: Final = Console()


@functools.cache
def framework_of(options: ApiOptions, *, console: bool) -> Litestar:
    """The routes and what is around them. They cost a fifth of a second, and are nobody's: the
    services come with each request."""
    return make_framework(options, _PAGES if console else None)


def app_of(memory: Memory, options: ApiOptions | None = None, *, console: bool = False) -> Any:
    """What ``create_app`` makes, but for the making: for requests alone, not to be started."""
    options = options or ApiOptions()
    framework = framework_of(options, console=console)
    pages = _PAGES if console else None
    return serving(framework, memory.services, memory.services.catalog, options, pages)
