"""A location's own endpoint is what somebody typed: it must not open the network behind the server.

The host is checked when it is entered. At every connection the name is looked up anew, all its
addresses are checked, and the connection goes to one of just those, so that a name that resolves
to something else later on (DNS rebinding) gains nothing. Redirects are not followed, and no proxy
is used, since a proxy would look the name up by itself.

What this can't do: keep a public host from forwarding requests by itself; know a private network
that uses public addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from valetkey.domain.errors import InvalidInput

Resolve = Callable[[str, int], Iterable[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORTS: Final = {"http": 80, "https": 443}
_FIELD: Final = "endpoint"
_NEVER: Final = frozenset(' \\"<>')
#: What DNS64 and IPv4-mapped sockets write for an IPv4 address: that one decides (RFC 6052, 4291).
_TRANSLATED: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::ffff:0:0/96")))
#: Public by number on some Python versions, but answered by a cloud's own host: Azure's and
#: Oracle's metadata.
_METADATA: Final = tuple(map(ipaddress.IPv4Network, ("168.63.129.16/32", "192.0.0.0/24")))


def is_allowed(host: str, allowed_hosts: Iterable[str]) -> bool:
    """Tell whether the settings name a host; ``.example.com`` names the hosts below it."""
    name = host.lower().rstrip(".")
    return any(
        name == allowed or (allowed.startswith(".") and name.endswith(allowed))
        for allowed in map(str.lower, allowed_hosts)
    )


def is_public(text: str) -> bool:
    """Tell whether an address is one of the public internet, whatever it is wrapped in."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_4(address)
    if any(address in network for network in _TRANSLATED):
        return _is_public_4(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    tunnelled = (address.sixtofour, *(address.teredo or ()))
    inside = address.is_multicast or address.is_reserved or address.is_site_local
    return address.is_global and not inside and all(map(_is_public_4, filter(None, tunnelled)))


def _is_public_4(address: ipaddress.IPv4Address) -> bool:
    inside = address.is_multicast or address.is_reserved
    clouds = any(address in network for network in _METADATA)
    return address.is_global and not inside and not clouds


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("not a host name") from error
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


def vetted(
    host: str, port: int, allowed_hosts: Iterable[str], *, look_up: Resolve = resolve
) -> list[str]:
    """Return the addresses of a host that may be connected to.

    Raises OSError where one of them is not public and the settings don't allow the host.
    """
    addresses = list(look_up(host, port))
    if not is_allowed(host, allowed_hosts) and not all(map(is_public, addresses)):
        raise OSError("the endpoint leads to an address that is not allowed")
    return addresses
