"""What the framework hands to a route's handler by name: the services, and who is asking.

A handler's parameter ``services: Services`` or ``caller: Caller`` is of one of these types.
"""

from __future__ import annotations

from litestar.di import NamedDependency

from valetkey.services import audit, registry

Services = NamedDependency[registry.Services]
Caller = NamedDependency[audit.Caller]
