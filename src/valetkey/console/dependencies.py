"""What the framework hands to a page's handler: the services and the reader by name, and the
parts of the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.di import NamedDependency
from litestar.params import FromPath

from valetkey.console import page
from valetkey.services import registry

if TYPE_CHECKING:
    Services = NamedDependency[registry.Services]
else:
    # The framework checks types by their exact class: what bootstrap hands over is more than it.
    Services = NamedDependency[Any]
Reader = NamedDependency[page.Reader]
#: A segment of the address.
Segment = FromPath[str]
