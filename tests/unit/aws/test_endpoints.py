"""Where a location's own endpoint may lead."""

from __future__ import annotations

import pytest

from valetkey.aws.endpoints import check, is_allowed, is_public, vetted
from valetkey.domain.errors import InvalidInput

PUBLIC = ["8.8.8.8", "52.219.0.1", "2600:1f18::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:0:7f00:1::",
    "",
    "not an address",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_inside_address_is_not_public_whatever_it_is_wrapped_in(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(OSError, match="not allowed"):
        vetted("rebound.example", 443, (), look_up=lambda *_: [address])
    with pytest.raises(InvalidInput, match=r"loopback, link-local or private") as caught:
        check("https://rebound.example", (), look_up=lambda *_: [address])
    assert "allowed_endpoint_hosts" in caught.value.hint


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)
    assert vetted("store.example", 443, (), look_up=lambda *_: [address]) == [address]


def test_one_inside_address_among_public_ones_is_enough_to_refuse() -> None:
    def mixed(*_: object) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    with pytest.raises(InvalidInput):
        check("https://mixed.example", (), look_up=mixed)
    with pytest.raises(OSError, match="not allowed"):
        vetted("mixed.example", 443, (), look_up=mixed)


#: Spellings of loopback that the system's resolver understands: no name server is asked.
SPELLINGS = [
    "http://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://localhost",
    "https://localhost.",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:7f00:1]:9000",
    "https://0",
]


@pytest.mark.parametrize("endpoint", SPELLINGS)
def test_no_spelling_of_loopback_passes(endpoint: str) -> None:
    with pytest.raises(InvalidInput):
        check(endpoint, ())


NO_ENDPOINTS = [
    "",
    "store.example",
    "ftp://store.example",
    "file:///etc/passwd",
    "gopher://store.example",
    "https://",
    "https://user@store.example",
    "https://user:password@store.example",
    "https://store.example/path",
    "https://store.example?x=1",
    "https://store.example#x",
    "https://store.example:99999",
    "https://store.example:x",
    "https://[::1",
    "https://store.example\r\nHost: other",
    "https://store.example\\@127.0.0.1",
    "https://sto re.example",
    "https://store.example\t",
    'https://store"example',
]


@pytest.mark.parametrize("endpoint", NO_ENDPOINTS)
def test_what_is_no_endpoint_is_refused_before_any_look_up(endpoint: str) -> None:
    def never(*_: object) -> list[str]:
        raise AssertionError("looked up")

    with pytest.raises(InvalidInput, match="not an endpoint") as caught:
        check(endpoint, ("store.example",), look_up=never)
    assert caught.value.details["field"] == "endpoint"


NORMAL = [
    ("https://store.example", "https://store.example"),
    ("https://store.example/", "https://store.example"),
    ("https://STORE.example:443", "https://store.example"),
    ("https://store.example:9000", "https://store.example:9000"),
    ("https://[2600:1f18::1]:9000", "https://[2600:1f18::1]:9000"),
]


@pytest.mark.parametrize(("given", "normal"), NORMAL)
def test_a_public_endpoint_gets_its_normal_form(given: str, normal: str) -> None:
    assert check(given, (), look_up=lambda *_: ["8.8.8.8"]) == normal


def test_a_public_endpoint_has_to_be_encrypted() -> None:
    with pytest.raises(InvalidInput, match="not encrypted"):
        check("http://store.example", (), look_up=lambda *_: ["8.8.8.8"])


def test_an_allowed_host_may_be_private_and_unencrypted() -> None:
    assert check("http://127.0.0.1:9000", ("127.0.0.1",)) == "http://127.0.0.1:9000"


def test_a_host_that_nobody_knows_is_named() -> None:
    def unknown(*_: object) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(InvalidInput, match=r"nowhere\.example"):
        check("https://nowhere.example", (), look_up=unknown)


def test_a_host_that_is_no_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="can't be found"):
        check(f"https://{'x' * 300}.example", ())


ALLOWED = [
    ("minio.local", ("minio.local",), True),
    ("MINIO.local.", ("minio.local",), True),
    ("a.minio.local", ("minio.local",), False),
    ("a.minio.local", (".minio.local",), True),
    ("minio.local", (".minio.local",), False),
    ("evil-minio.local", (".minio.local",), False),
    ("minio.local.evil.example", ("minio.local", ".minio.local"), False),
    ("minio.local", (), False),
]


@pytest.mark.parametrize(("host", "allowed", "expected"), ALLOWED)
def test_the_settings_name_hosts_exactly_or_below_a_domain(
    host: str, allowed: tuple[str, ...], expected: bool
) -> None:
    assert is_allowed(host, allowed) is expected
