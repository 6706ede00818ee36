"""Where a request comes from, as far as it can be told apart from its neighbours."""

from __future__ import annotations

import ipaddress
from typing import Final

_IPV6_CUSTOMER: Final = 64
_MOST_TEXT: Final = 64


def source_network(address: str) -> str:
    """Return whom an address is counted as: itself for IPv4, its /64 for IPv6 (whoever has one
    address of it has all of them). What is no address is counted by its text."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:_MOST_TEXT]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    plain = ipaddress.IPv6Address(int(parsed))  # without a zone
    return str(ipaddress.ip_network((plain, _IPV6_CUSTOMER), strict=False))
