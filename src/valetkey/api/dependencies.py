"""What the framework hands to a route's handler by name: the services, and who is asking.

A handler's parameter ``services: Services`` or ``caller: Caller`` is of one of these types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.di import NamedDependency

from valetkey.services import audit, registry

if TYPE_CHECKING:
    Services = NamedDependency[registry.Services]
else:
    # The framework checks types by their exact class: what bootstrap hands over is more than it.
    Services = NamedDependency[Any]
Caller = NamedDependency[audit.Caller]
