"""An upload is read as it comes, however it is cut into pieces, and never held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.catalog.dataloop.uploads import UploadBody
from valetkey.catalog.domain.dataset import media_type_of
from valetkey.domain.errors import InvalidInput, TooLarge

KIND = "multipart/form-data; boundary=XX"


def _part(name: str, body: bytes, more: str = "", kind: str = "") -> bytes:
    head = f'--XX\r\nContent-Disposition: form-data; name="{name}"{more}\r\n'
    head += f"Content-Type: {kind}\r\n" if kind else ""
    return head.encode() + b"\r\n" + body + b"\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XX--\r\n"


async def _pieces(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _read(*pieces: bytes, kind: str = KIND) -> tuple[UploadBody, bytes]:
    body = UploadBody(_pieces(pieces), kind)
    await body.read_fields()
    return body, b"".join([chunk async for chunk in body.file()])


FIELDS = (
    _part("type", b"file"),
    _part("path", "/ä/b.bin".encode()),
    _part("metadata", b'{"a": 1}'),
)


@given(content=st.binary(max_size=300), cuts=st.lists(st.integers(0, 700), max_size=8))
def test_a_body_means_the_same_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    if b"--XX" in content:
        return
    whole = _form(*FIELDS, _part("file", content, '; filename="b.bin"'))
    places = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]
    body, read = asyncio.run(_read(*pieces))
    assert read == content
    assert (body.text("type"), body.text("path")) == ("file", "/ä/b.bin")
    assert body.document("metadata") == {"a": 1}
    assert body.file_name == "b.bin"


async def test_bytes_go_on_before_the_rest_has_come() -> None:
    sent: list[int] = []

    async def counted() -> AsyncIterator[bytes]:
        yield _part("path", b"/a") + b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
        for number in range(50):
            sent.append(number)
            yield b"x" * 1000
        yield b"\r\n--XX--\r\n"

    body = UploadBody(counted(), KIND)
    await body.read_fields()
    file = body.file()
    first = await anext(file)
    assert first
    assert len(sent) < 3
    rest = b"".join([chunk async for chunk in file])
    assert len(first) + len(rest) == 50_000


@pytest.mark.parametrize(
    ("given_type", "known"),
    [
        ("image/png", "image/png"),
        ("application/octet-stream", ""),
        ("text/plain", ""),
        ("nonsense", ""),
        ("a/b\x01", ""),
        ("", ""),
    ],
)
async def test_a_media_type_counts_if_it_says_something(given_type: str, known: str) -> None:
    body, _ = await _read(_form(_part("file", b"x", kind=given_type)))
    assert media_type_of(body.media_type, "a.gif") == (known or "image/gif")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--XX",
        b"nonsense",
        _form(_part("file", b"x"))[:-12],
        _form(_part("file", b"x"), _part("path", b"/late")),
        _form(_part("path", b"\xff\xfe"), _part("file", b"x")),
        _part("file", b"x"),
    ],
)
async def test_a_broken_body_is_refused_and_never_ends_as_if_it_were_whole(body: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        await _read(body)
    assert refused.value.hint


async def test_a_body_without_a_file_says_so() -> None:
    body = UploadBody(_pieces([_form(_part("path", b"/a"))]), KIND)
    await body.read_fields()
    assert not body.has_file


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/mixed; a=b"])
def test_only_a_form_with_a_boundary_is_read(kind: str) -> None:
    with pytest.raises(InvalidInput):
        UploadBody(_pieces([]), kind)


async def test_a_field_may_not_be_large() -> None:
    large = _form(_part("metadata", b"x" * 5_000_000), _part("file", b"x"))
    with pytest.raises(TooLarge):
        await _read(large)


async def test_metadata_that_is_no_object_is_refused() -> None:
    body, _ = await _read(_form(_part("metadata", b"[1]"), _part("file", b"x")))
    with pytest.raises(InvalidInput):
        body.document("metadata")
