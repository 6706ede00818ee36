"""What the framework hands to a page's handler: the services and the reader by name, and the
parts of the address."""

from __future__ import annotations

from litestar.di import NamedDependency
from litestar.params import FromPath

from valetkey.console import page
from valetkey.services import registry

Services = NamedDependency[registry.Services]
Reader = NamedDependency[page.Reader]
#: A segment of the address.
Segment = FromPath[str]
