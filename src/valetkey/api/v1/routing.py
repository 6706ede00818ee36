"""Which operations an address has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from valetkey.api.v1.calls import Route

_ANY: Final = "{}"
_ROUTES: Final = "/"


class Router:
    """A tree of the addresses' segments; a literal segment comes before a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root: dict[str, Any] = {}
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for part in _parts(route.operation.path):
            node = node.setdefault(_ANY if part.startswith("{") else part, {})
        methods = node.setdefault(_ROUTES, {})
        if route.operation.method in methods:
            raise ValueError(f"two operations at {route.operation.method} {route.operation.path}")
        methods[route.operation.method] = route

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        """Return an address's routes by method (none: there is no such address), and the values
        of its parameters."""
        found = _walk(self._root, _parts(path), [])
        if found is None:
            return {}, {}
        routes, values = found
        names = next(iter(routes.values())).operation.parameters
        return routes, dict(zip(names, values, strict=True))

    def shows(self, path: str) -> bool:
        """Tell whether something can be read at an address."""
        return "GET" in self.find(path)[0]

    @staticmethod
    def allow(routes: dict[str, Route]) -> str:
        """Return the methods that an address takes, as ``Allow`` lists them."""
        methods = set(routes) | {"OPTIONS"} | ({"HEAD"} if "GET" in routes else set())
        return ", ".join(sorted(methods))


def _parts(path: str) -> list[str]:
    return path.split("/")[1:]


def _walk(
    node: dict[str, Any], parts: list[str], values: list[str]
) -> tuple[dict[str, Route], list[str]] | None:
    if not parts:
        routes = node.get(_ROUTES)
        return (routes, values) if routes else None
    first, rest = parts[0], parts[1:]
    if first in node and first not in {_ANY, _ROUTES}:
        found = _walk(node[first], rest, values)
        if found is not None:
            return found
    if first and _ANY in node:
        return _walk(node[_ANY], rest, [*values, first])
    return None
