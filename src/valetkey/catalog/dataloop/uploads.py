"""Reading an upload as it comes: multipart/form-data, its fields first and the file last.

The file is never held: its bytes go on as they arrive.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final, TypeAlias

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from valetkey.api.requests import decode
from valetkey.domain.errors import InvalidInput, TooLarge

MULTIPART: Final = "multipart/form-data"
FILE: Final = "file"
KEPT: Final = frozenset({"type", "path", "metadata", "description", "name", FILE})
#: Metadata is a field, and JSON may write each of its letters as an escape.
_MAX_FIELD: Final = 4 * 1024 * 1024
_MAX_PARTS: Final = 16
#: After a refusal, so much of the body is still read, since clients read no answer while they send.
_MAX_DRAINED: Final = 64 * 1024 * 1024

_Event: TypeAlias = "MultipartSegment | bytes | None"


class UploadBody:
    """A form whose last part is a file. Use :meth:`read_fields`, then :meth:`file`."""

    def __init__(self, stream: AsyncIterator[bytes], content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if kind != MULTIPART or not boundary:
            raise _malformed("It is not multipart/form-data with a boundary")
        self._stream = stream
        self._events = _events(stream, boundary)
        self._fields: dict[str, str] = {}
        self._segment: MultipartSegment | None = None

    async def read_fields(self) -> None:
        """Read up to the file. Raises InvalidInput, TooLarge."""
        async for event in self._events:
            if not isinstance(event, MultipartSegment):
                continue
            if event.name == FILE:
                self._segment = event
                return
            self._fields[event.name or ""] = await self._text(event.name or "")

    def text(self, name: str, default: str = "") -> str:
        """Return a field."""
        return self._fields.get(name, default)

    def document(self, name: str) -> dict[str, Any]:
        """Return a field that is a JSON object; an absent one is empty. Raises InvalidInput."""
        text = self._fields.get(name, "")
        document: dict[str, Any] = decode(text.encode(), dict[str, Any], whole=name) if text else {}
        return document

    @property
    def not_kept(self) -> list[str]:
        """The names of fields that nothing is made of (annotations, for instance)."""
        return sorted(self._fields.keys() - KEPT)

    @property
    def has_file(self) -> bool:
        """Tell whether there is a file."""
        return self._segment is not None

    @property
    def file_name(self) -> str:
        """The name that the file's part gives, if any."""
        return (self._segment and self._segment.filename) or ""

    @property
    def media_type(self) -> str:
        """The media type that the file's part gives; empty if it gives none."""
        return (self._segment and self._segment.content_type) or ""

    async def file(self) -> AsyncGenerator[bytes]:
        """Iterate over the file's bytes. Raises InvalidInput for a body that ends too early or
        goes on after the file: what was written by then is to be thrown away."""
        ended = False
        async for event in self._events:
            if ended:
                raise _malformed("A part comes after the file")
            if event is None:
                ended = True
            elif isinstance(event, bytes):
                yield event

    async def drain(self) -> None:
        """Read and forget what is left, up to a limit, so that the answer is read."""
        left = _MAX_DRAINED
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                return

    async def _text(self, name: str) -> str:
        parts: list[bytes] = []
        async for event in self._events:
            if not isinstance(event, bytes):
                break
            parts.append(event)
            if sum(map(len, parts)) > _MAX_FIELD:
                raise TooLarge(
                    f"The field {ascii(name)[:40]} has more than {_MAX_FIELD} bytes.",
                    hint="Only the part named 'file' may be large.",
                )
        try:
            return b"".join(parts).decode()
        except UnicodeDecodeError:
            raise _malformed(f"The field {ascii(name)[:40]} is not UTF-8") from None


async def _events(stream: AsyncIterator[bytes], boundary: str) -> AsyncGenerator[_Event]:
    try:
        parser = PushMultipartParser(boundary, max_segment_count=_MAX_PARTS)
        async for chunk in stream:
            if chunk and not parser.closed:
                for event in parser.parse(chunk):
                    yield bytes(event) if isinstance(event, bytearray | memoryview) else event
        if not parser.closed:
            parser.close()
    except (MultipartError, ValueError) as error:
        raise _malformed(f"{error}".rstrip(".")) from None


def _malformed(problem: str) -> InvalidInput:
    return InvalidInput(
        f"The upload's body can't be read. {problem}.",
        hint="Send multipart/form-data: the fields 'type' and 'path' first, and 'file' last.",
        field="body",
    )
