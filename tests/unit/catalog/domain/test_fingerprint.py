"""What was sent is the same as what is there, is not, or nobody knows; it is never guessed."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from valetkey.catalog.domain.fingerprint import Fingerprint
from valetkey.domain.ports.objects import Stored
from valetkey.testing.buckets import etag_of

BODY, OTHER = b"the content", b"another one"
ALIEN = "0123456789abcdef0123456789abcdef-2"


def sha256(body: bytes) -> str:
    return "sha256:" + base64.b64encode(hashlib.sha256(body).digest()).decode()


def compared(*, etag: str = ALIEN, checksum: str = "", closely: bool = True) -> bool | None:
    """Compare BODY, sent in two chunks, with an object of its size."""
    there = Stored(len(BODY), etag, datetime(2026, 1, 1, tzinfo=UTC), checksum=checksum)
    sent = Fingerprint(there, closely=closely)
    sent.add(BODY[:4])
    sent.add(BODY[4:])
    return sent.is_same


@pytest.mark.parametrize("closely", [True, False])
@pytest.mark.parametrize("etag", [etag_of(BODY), etag_of(OTHER), ALIEN, ""])
def test_the_store_s_own_checksum_decides_whatever_else_there_is(
    etag: str, *, closely: bool
) -> None:
    assert compared(etag=etag, checksum=sha256(BODY), closely=closely) is True
    assert compared(etag=etag, checksum=sha256(OTHER), closely=closely) is False


def test_an_etag_that_is_the_md5_proves_it_and_another_one_proves_nothing() -> None:
    assert compared(etag=etag_of(BODY)) is True
    assert compared(etag=etag_of(OTHER)) is None  # of what is encrypted it is any number
    assert compared(etag=ALIEN) is None
    assert compared(etag=etag_of(BODY), checksum="crc32:AAAAAA==") is True
    assert compared(checksum="crc32:AAAAAA==") is None


def test_by_the_size_alone_nothing_is_the_same() -> None:
    assert compared(etag=etag_of(BODY), closely=False) is None


def test_another_size_is_another_content() -> None:
    there = Stored(3, etag_of(BODY), datetime(2026, 1, 1, tzinfo=UTC), checksum=sha256(BODY))
    sent = Fingerprint(there, closely=True)
    sent.add(BODY)
    assert sent.is_same is False


def test_two_are_of_the_same_bytes_however_they_are_cut() -> None:
    there = Stored(len(BODY), ALIEN, datetime(2026, 1, 1, tzinfo=UTC))
    one, same, another = (Fingerprint(there, closely=True) for _ in range(3))
    one.add(BODY)
    for letter in BODY:
        same.add(bytes([letter]))
    another.add(OTHER)
    assert one.has_bytes_of(same)
    assert not one.has_bytes_of(another)
