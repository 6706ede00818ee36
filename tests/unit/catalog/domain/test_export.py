"""An exported file: parts of lines that are read as one array, and as an archive of it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.catalog.domain.export import (
    ExportPart,
    FileKind,
    Zip,
    array_end,
    array_piece,
    array_size,
    file_size,
    pack,
)

_Parts = list[tuple[ExportPart, bytes]]


def packed(groups: list[list[object]]) -> _Parts:
    made: _Parts = []
    for number, group in enumerate(groups):
        crc = made[-1][0].crc if made else 0
        made.append(pack("c", number, [json.dumps(each).encode() for each in group], crc))
    return made


def array_of(made: _Parts) -> bytes:
    return b"".join(array_piece(*each) for each in made) + array_end([part for part, _ in made])


_THINGS = st.lists(st.lists(st.dictionaries(st.text(), st.text()), min_size=1), max_size=4)


@pytest.mark.slow
@given(_THINGS)
def test_parts_are_one_json_array_of_the_size_that_is_told(groups: list[list[object]]) -> None:
    made = packed(groups)
    text = array_of(made)
    assert json.loads(text) == [each for group in groups for each in group]
    assert len(text) == array_size([part for part, _ in made])
    assert len(text) == file_size(FileKind.JSON, "x.json", [part for part, _ in made])


@pytest.mark.slow
@given(_THINGS)
def test_an_archive_holds_the_array_as_any_reader_of_zip_sees_it(
    groups: list[list[object]],
) -> None:
    made = packed(groups)
    parts = [part for part, _ in made]
    archive = Zip.around("d.json", parts)
    whole = archive.before + array_of(made) + archive.after
    assert len(whole) == file_size(FileKind.ZIP, "d.json", parts)
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["d.json"]
        assert opened.read("d.json") == array_of(made)


@pytest.mark.parametrize("lines", [[b"{}"], [b'{"a": "b"}', b"[1]"]])
def test_a_part_tells_what_it_is(lines: list[bytes]) -> None:
    part, body = pack("c", 0, lines, 0)
    assert gzip.decompress(body) == b"\n".join(lines) + b"\n"
    assert (part.items, part.packed) == (len(lines), len(body))
    assert base64.b64decode(part.md5) == hashlib.md5(body, usedforsecurity=False).digest()
