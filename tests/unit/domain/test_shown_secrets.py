from __future__ import annotations

import re

import pytest

from valetkey.domain.shown_secrets import (
    PATTERN,
    SecretKind,
    is_shown_secret,
    make_secret,
    secret_hash,
)
from valetkey.domain.sources import source_network
from valetkey.logs import mask
from valetkey.testing import SeededEntropy


@pytest.mark.parametrize("kind", SecretKind)
def test_a_secret_has_the_form_that_scanners_search_for_and_a_checksum(kind: SecretKind) -> None:
    entropy = SeededEntropy(1)
    texts = {make_secret(kind, entropy).reveal() for _ in range(100)}
    assert len(texts) == 100
    for text in texts:
        assert re.fullmatch(PATTERN, text)
        assert is_shown_secret(text, kind)
        assert not any(is_shown_secret(text, other) for other in SecretKind if other is not kind)
        flipped = text[:10] + ("a" if text[10] != "a" else "b") + text[11:]
        assert not is_shown_secret(flipped, kind)
        assert text not in mask(f"the token is {text}.")


@pytest.mark.parametrize("text", ["", "vkt_", "vkt_" + "0" * 39, "vkt_" + "é" * 39, "eyJhbGciOi"])
def test_what_only_looks_alike_is_none(text: str) -> None:
    assert not is_shown_secret(text, SecretKind.TOKEN)


def test_a_hash_does_not_tell_the_secret() -> None:
    text = make_secret(SecretKind.TOKEN, SeededEntropy(2)).reveal()
    assert len(secret_hash(text)) == 64
    assert secret_hash(text) == secret_hash(text) != secret_hash(text + " ")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", ""),
        ("x" * 200, "x" * 64),
    ],
)
def test_a_source_is_an_address_or_the_64_of_one(address: str, network: str) -> None:
    assert source_network(address) == network
