"""Temporary credentials and presigned URLs: what programs ask for all day.

:mod:`valetkey.api.fast` answers them, before they come here.
"""

from __future__ import annotations

from typing import Final

from valetkey.api.v1.calls import Route
from valetkey.wire import credentials as wire

ROUTES: Final = tuple(Route(operation, None) for operation in wire.OPERATIONS)
