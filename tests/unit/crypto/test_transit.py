"""Vault's and OpenBao's transit engine, against a double that follows its documented HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.transit import TransitDouble, transit_double
from valetkey.crypto.sealing import EnvelopeSealer
from valetkey.crypto.transit import TransitKeyWrapper, parse_transit
from valetkey.domain.errors import ConfigurationError, SealBroken, StorageUnavailable
from valetkey.domain.sealing import SealContext
from valetkey.domain.secret import Secret
from valetkey.testing import SeededEntropy

TOKEN = {"VAULT_TOKEN": "good-token", "BAO_TOKEN": "good-token"}


@pytest.fixture
def vault() -> Iterator[TransitDouble]:
    with transit_double() as double:
        yield double


@pytest.fixture
async def wrapper(vault: TransitDouble) -> AsyncIterator[TransitKeyWrapper]:
    made = TransitKeyWrapper(parse_transit(vault.url, TOKEN))
    yield made
    await made.close()


async def test_what_was_sealed_opens_again(wrapper: TransitKeyWrapper) -> None:
    sealer = EnvelopeSealer([wrapper], SeededEntropy(1))
    context = SealContext("org", "record", "secret")
    sealed = await sealer.seal(Secret("the secret"), context)
    assert sealed.kek_id.startswith("transit:127.0.0.1:")
    assert (await sealer.open(sealed, context)).reveal() == "the secret"


async def test_a_data_key_is_bound_to_its_record(wrapper: TransitKeyWrapper) -> None:
    wrapped = await wrapper.wrap(b"k" * 32, b"one record")
    with pytest.raises(SealBroken, match="moved or changed"):
        await wrapper.unwrap(wrapped, b"another")


async def test_openbao_speaks_the_same(vault: TransitDouble) -> None:
    place = parse_transit(vault.url.replace("vault+", "openbao+"), TOKEN)
    bao = TransitKeyWrapper(place)
    assert await bao.unwrap(await bao.wrap(b"k" * 32, b"r"), b"r") == b"k" * 32
    await bao.close()


async def test_the_token_file_is_read_anew_at_each_use(
    vault: TransitDouble, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("good-token\n")
    wrapper = TransitKeyWrapper(parse_transit(f"{vault.url}?token_file={file}", {}))
    await wrapper.wrap(b"k" * 32, b"r")
    vault.tokens = {"renewed"}
    file.write_text("renewed\n")
    await wrapper.wrap(b"k" * 32, b"r")
    assert [request["x-vault-token"] for request in vault.seen] == ["good-token", "renewed"]
    file.unlink()
    with pytest.raises(StorageUnavailable, match="token file"):
        await wrapper.wrap(b"k" * 32, b"r")
    await wrapper.close()


async def test_a_namespace_goes_with_each_request(vault: TransitDouble) -> None:
    wrapper = TransitKeyWrapper(parse_transit(f"{vault.url}?namespace=team/a", TOKEN))
    await wrapper.wrap(b"k" * 32, b"r")
    assert vault.seen[0]["x-vault-namespace"] == "team/a"
    await wrapper.close()


async def test_keys_of_one_name_in_two_namespaces_are_two_keys(vault: TransitDouble) -> None:
    vault.others = {("team/a", "valetkey"): b"a" * 32, ("team/b", "valetkey"): b"b" * 32}
    a, b = (
        TransitKeyWrapper(parse_transit(f"{vault.url}?namespace={name}", TOKEN))
        for name in ("team/a", "team/b")
    )
    assert a.key_id != b.key_id
    context, entropy = SealContext("org", "record", "secret"), SeededEntropy()
    before = await EnvelopeSealer([a], entropy).seal(Secret("kept"), context)
    both = EnvelopeSealer([b, a], entropy)
    after = await both.seal(Secret("new"), context)
    assert (await both.open(before, context)).reveal() == "kept"
    assert (await both.open(after, context)).reveal() == "new"
    await both.close()


async def test_what_an_earlier_release_sealed_in_a_namespace_opens(vault: TransitDouble) -> None:
    vault.others = {("team/a", "valetkey"): b"a" * 32, ("team/b", "valetkey"): b"b" * 32}
    wrappers = [
        TransitKeyWrapper(parse_transit(f"{vault.url}?namespace={name}", TOKEN))
        for name in ("team/b", "team/a")
    ]
    context, both = (
        SealContext("org", "record", "secret"),
        EnvelopeSealer(wrappers, SeededEntropy()),
    )
    (earlier,) = both.earlier_key_ids
    for wrapper in wrappers:
        sealed = await EnvelopeSealer([wrapper], SeededEntropy()).seal(Secret("kept"), context)
        old = replace(sealed, kek_id=earlier)
        assert (await both.open(old, context)).reveal() == "kept"
        assert (await both.rewrap(old, context)).kek_id == wrappers[0].key_id
    await both.close()


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [
        ({"tokens": set()}, SealBroken, "the token may not"),
        ({"keys": {}}, SealBroken, "moved or changed"),
        ({"keys": {"valetkey": bytes(32)}}, SealBroken, "made anew"),
        ({"sealed": True}, StorageUnavailable, "status 503"),
        ({"answer": b"<html>"}, StorageUnavailable, "something else"),
        ({"answer": b'{"data": {}}'}, StorageUnavailable, "something else"),
        ({"answer": b'{"data": {"plaintext": "%%%"}}'}, StorageUnavailable, "something else"),
    ],
    ids=["no token", "key deleted", "another key", "sealed", "a page", "empty", "not base64"],
)
async def test_trouble_is_said_in_one_clear_sentence(
    vault: TransitDouble,
    wrapper: TransitKeyWrapper,
    trouble: dict[str, object],
    kind: type[Exception],
    words: str,
) -> None:
    wrapped = await wrapper.wrap(b"k" * 32, b"r")
    for name, value in trouble.items():
        setattr(vault, name, value)
    with pytest.raises(kind, match=words) as error:
        await wrapper.unwrap(wrapped, b"r")
    assert "good-token" not in str(error.value)


async def test_a_key_that_does_not_exist_is_said_to_be_missing(vault: TransitDouble) -> None:
    wrapper = TransitKeyWrapper(parse_transit(vault.url.replace("valetkey", "other"), TOKEN))
    with pytest.raises(SealBroken, match="does not exist"):
        await wrapper.wrap(b"k" * 32, b"r")
    await wrapper.close()


async def test_nobody_there_is_said_to_be_unreachable() -> None:
    wrapper = TransitKeyWrapper(parse_transit("vault+http://127.0.0.1:1/transit/valetkey", TOKEN))
    with pytest.raises(StorageUnavailable, match="ConnectError"):
        await wrapper.wrap(b"k" * 32, b"r")
    await wrapper.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("vault+http://vault.example.com/transit/valetkey", "unencrypted"),
        ("vault://vault.example.com/valetkey", "no transit key"),
        ("vault:///transit/valetkey", "no transit key"),
        ("vault+ftp://127.0.0.1/transit/valetkey", "no transit key"),
        ("vault://user:token@vault.example.com/transit/valetkey", "does not belong"),
        ("vault://vault.example.com/transit/valetkey?tokenfile=/x", "no option"),
        ("vault://vault.example.com/transit/valetkey?token_env=NOT_SET", "NOT_SET is not set"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_transit(url, TOKEN)


def test_the_connection_is_encrypted_unless_it_stays_on_the_machine() -> None:
    place = parse_transit("vault://vault.example.com:8200/team/transit/valetkey", TOKEN)
    assert (place.base, place.mount) == ("https://vault.example.com:8200", "team/transit")
