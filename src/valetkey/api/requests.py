"""Reading bodies strictly: the right content type, the right types, not too deep.

The framework decodes JSON to anything and then converts leniently (``"5"`` becomes 5). Here a
body that a handler declares as a struct is decoded straight into it, and nothing is bent.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec
from litestar import Request

from valetkey.api.decoding_errors import misread_fields, misread_json
from valetkey.api.errors import UnsupportedMediaType
from valetkey.domain.errors import InvalidInput, TooLarge

MAX_DEPTH: Final = 32
#: Handler option: the body may come as a form too.
FORM: Final = "form"
_JSON: Final = "application/json"
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")


class BodyTooLarge(TooLarge):
    """The body has more bytes than are read."""

    code = "request_entity_too_large"


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded into what its handler declares."""

    async def json(self) -> Any:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = self._declared()
        if kind in _FORMS and self.route_handler.opt.get(FORM):
            return _converted(dict((await self.form()).items()), wanted)
        if kind != _JSON and not kind.endswith("+json"):
            raise UnsupportedMediaType(
                f"The body's content type is {kind[:80]!r}.",
                hint="Send JSON, with 'Content-Type: application/json'.",
            )
        return decode(await self.body(), wanted)

    def _declared(self) -> Any:
        field = self.route_handler.parsed_data_field
        return field.annotation if field is not None else Any


def check_encoding(encoding: str) -> None:
    """Refuse a body with this ``Content-Encoding``. Raises UnsupportedMediaType."""
    if encoding.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(
            f"The body's Content-Encoding is {encoding.strip()[:80]!r}.",
            hint="Send the bytes as they are, without Content-Encoding.",
        )


def decode(body: bytes, wanted: Any, *, whole: str = "The body") -> Any:
    """Decode JSON, which an error calls ``whole``. Raises InvalidInput, naming the place."""
    _check_depth(body)
    try:
        decoded = msgspec.json.decode(body, type=wanted, strict=True)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise misread_json(error, wanted, whole=whole) from None
    except (UnicodeDecodeError, RecursionError):
        raise InvalidInput(f"{whole} is not JSON.", hint="Send UTF-8, not too deep.") from None
    # Four microseconds for a request of credentials: msgspec takes the last of two, and tells
    # nobody.
    _AGAIN.decode(body.decode())
    return decoded


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Take an object's properties as they stand there. Raises InvalidInput for two of one name."""
    names = set[str]()
    for name, _ in pairs:
        if name in names:
            raise InvalidInput(
                f"The property {name[:40]!r} stands there twice.",
                hint="Send it once: it is open which of the two is meant.",
                field=name[:40],
            )
        names.add(name)


#: Reads no numbers: they may have more digits than Python converts.
_AGAIN: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str)


def _converted(form: dict[str, Any], wanted: Any) -> Any:
    try:
        return msgspec.convert(form, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise misread_fields(error, wanted, whole="The form", part="field") from None


def _check_depth(body: bytes) -> None:
    """Refuse a body nested deeper than MAX_DEPTH before anything recurses into it."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidInput(
                f"The body is nested more than {MAX_DEPTH} deep.", hint="Send a flatter one."
            )
