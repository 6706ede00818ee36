"""A driver's own endpoint is what somebody typed: it must not open the network behind the server.

The host is checked when it is entered, and the address again at every connection, so that a name
that resolves to something else later on (DNS rebinding) gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from valetkey.domain.errors import InvalidInput

Resolve = Callable[[str, int], Iterable[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS: Final = {"http": 80, "https": 443}
_FIELD: Final = "endpoint"
_NEVER: Final = frozenset(' \\"<>')


def is_allowed(host: str, allowed_hosts: Iterable[str]) -> bool:
    """Tell whether the settings name a host; ``.example.com`` names the hosts below it."""
    name = host.lower().rstrip(".")
    return any(
        name == allowed or (allowed.startswith(".") and name.endswith(allowed))
        for allowed in map(str.lower, allowed_hosts)
    )


def is_public(text: str) -> bool:
    """Tell whether an address is one of the public internet."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if mapped is not None and not mapped.is_global:
        return False
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def check(endpoint: str, allowed_hosts: Iterable[str], *, look_up: Resolve = resolve) -> str:
    """Return an endpoint in its normal form (scheme, host, port).

    Blocks on DNS. Raises InvalidInput: not http(s), with a path, user or query in it, or a host
    that is neither public nor allowed.
    """
    scheme, host, port = _parse(endpoint)
    shown = f"[{host}]" if ":" in host else host
    normal = f"{scheme}://{shown}" + (f":{port}" if port != _PORTS[scheme] else "")
    if is_allowed(host, allowed_hosts):
        return normal
    try:
        addresses = list(look_up(host, port))
    except OSError:
        raise InvalidInput(
            f"The endpoint's host {host!r} can't be found.", hint="Check its name.", field=_FIELD
        ) from None
    if not addresses or not all(map(is_public, addresses)):
        raise InvalidInput(
            f"The endpoint {host!r} leads to a loopback, link-local or private address.",
            hint="If that is wanted, the server's administrator allows the host in the settings "
            "(allowed_endpoint_hosts).",
            field=_FIELD,
        )
    if scheme != "https":
        raise InvalidInput(
            "The endpoint is not encrypted.",
            hint="Use https://, or have the host allowed in the settings.",
            field=_FIELD,
        )
    return normal


def _parse(endpoint: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise _no_endpoint() from None
    strange = parts.username or parts.password or parts.query or parts.fragment
    if parts.scheme not in _PORTS or not parts.hostname or strange or parts.path not in {"", "/"}:
        raise _no_endpoint()
    if any(letter in _NEVER or not letter.isprintable() for letter in endpoint):
        raise _no_endpoint()
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _no_endpoint() -> InvalidInput:
    return InvalidInput(
        "This is not an endpoint.",
        hint="Use the form https://host or https://host:port, and nothing more.",
        field=_FIELD,
    )


def confine(client: Any, allowed_hosts: Iterable[str]) -> None:
    """Make a botocore client refuse connections to addresses that ``check`` would refuse."""
    hosts = tuple(allowed_hosts)

    def watch(sock: socket.socket, host: str) -> socket.socket:
        if not is_allowed(host, hosts) and not is_public(str(sock.getpeername()[0])):
            sock.close()
            raise OSError("the endpoint leads to an address that is not allowed")
        return sock

    class Plain(AWSHTTPConnection):
        def _new_conn(self) -> socket.socket:
            return watch(super()._new_conn(), self.host)

    class Encrypted(AWSHTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return watch(super()._new_conn(), self.host)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain  # type: ignore[assignment]  # urllib3's own default is like it

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted  # type: ignore[assignment]

    pools = {"http": PlainPool, "https": EncryptedPool}
    client._endpoint.http_session._manager.pool_classes_by_scheme = pools  # noqa: SLF001
