"""ListObjectsV2's answer -> objects.

A million keys are a thousand pages of a thousand. One regular expression reads a page as S3 writes
it, several times faster than an XML parser; whatever it does not know how to read, in whole, is
parsed properly. An answer that contradicts itself is refused: half a listing would be taken for the
whole one, and what is missing in it for deleted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from typing import Final
from urllib.parse import unquote_plus

from valetkey.aws.errors import not_understood
from valetkey.aws.objects.headers import LARGEST, plain_class, plain_etag
from valetkey.aws.objects.http import BucketCalls, S3Request
from valetkey.aws.xml_responses import name_of, parse_xml
from valetkey.domain.ports.objects import Listed

_OBJECT: Final = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>([^<]{19})[^<]*</LastModified>"
    r"<ETag>([^<]*)</ETag>"
    r"(?:<Checksum(?:Algorithm|Type)>[^<]*</Checksum(?:Algorithm|Type)>)*<Size>(\d+)</Size>"
    r"(?:<StorageClass>([^<]*)</StorageClass>)?</Contents>",
    re.ASCII,
)
#: What S3 sends when nobody asks for less.
PAGE: Final = 1000
_STANDARD: Final = frozenset({"STANDARD", ""})
_START: Final = "<Contents>"
_END: Final = "</ListBucketResult>"
_ESCAPED: Final = re.compile("[%+&]")
_TOKEN: Final = re.compile(r"<NextContinuationToken>([^<]*)</NextContinuationToken>")
_ENCODED: Final = "<EncodingType>url</EncodingType>"
_FLAGS: Final = tuple(f"<IsTruncated>{flag}</IsTruncated>" for flag in ("true", "false"))
_NUMBER: Final = re.compile(r"\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page as it stands: keys whole, ETags without quotes, times cut to seconds, as HEAD has
    them. ``token`` is there just if the page is not the last."""

    objects: Sequence[Listed]
    last: bool
    token: str


async def fetch_page(
    calls: BucketCalls, *, prefix: str, after: str = "", token: str = "", limit: int = PAGE
) -> ParsedPage:
    """Ask for a page. Raises AwsRefused, AwsUnavailable."""
    query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
    query |= {"max-keys": str(limit)} if limit != PAGE else {}
    query |= {"continuation-token": token} if token else {}
    query |= {"start-after": after} if after and not token else {}
    request = S3Request("s3:ListObjectsV2", "GET", query=query)
    answer = await calls.fetch(request)
    try:
        return parse_listing(answer.body, prefix=prefix, sent_token=token)
    except InvalidListing as error:
        why = str(error)
    raise not_understood(request.doing, why)


class InvalidListing(ValueError):
    """What is wrong with a listing: a clause without anything of its own words."""


def parse_listing(answer: bytes, *, prefix: str = "", sent_token: str = "") -> ParsedPage:
    """Read the answer to a request with a prefix and perhaps a token.

    Raises InvalidListing, with a clause that says what is wrong, for an answer that is not a
    listing, is cut, or contradicts itself or the request.
    """
    try:
        body = answer.decode()
    except UnicodeDecodeError:
        raise InvalidListing("it is not valid UTF-8") from None
    parsed = _parse_fast(body) or _parse_slowly(body)
    if not parsed.last and not parsed.token:
        raise InvalidListing(
            "it says that there is more, and not how to go on (no continuation token)"
        )
    if parsed.token and parsed.token == sent_token:
        raise InvalidListing(
            "it leads back to where it was asked for (the same continuation token)"
        )
    if max([one[1] for one in parsed.objects], default=0) > LARGEST:
        raise InvalidListing("an object in it is larger than any can be")
    if prefix and not all([one[0].startswith(prefix) for one in parsed.objects]):  # noqa: C419  # hot
        raise InvalidListing("it has keys outside of the prefix that was asked for")
    return parsed


def _parse_fast(body: str) -> ParsedPage | None:
    """Read a page that is exactly as S3 writes it, or leave it."""
    if "<ListBucketResult" not in body[:400] or not body.rstrip().endswith(_END):
        return None
    encoded = _ENCODED in body
    # Nearly every key has an escaped slash, and nothing else that is escaped.
    found = _OBJECT.findall(body.replace("%2F", "/") if encoded else body)
    more, last = map(body.count, _FLAGS)
    if len(found) != body.count(_START) or more + last != 1:
        return None
    if not encoded and _ESCAPED.search("".join([one[0] for one in found])):
        return None
    keys, times, etags, sizes, kinds = zip(*found, strict=True) if found else ((), (), (), (), ())
    if encoded and _ESCAPED.search("".join(keys)):
        keys = tuple([_decoded(key) if "%" in key or "+" in key else key for key in keys])
    bare = [etag[6:-6] if etag.startswith("&quot;") else etag.strip('"') for etag in etags]
    classes = [plain_class(kind) for kind in kinds] if set(kinds) - _STANDARD else repeat("")
    columns = zip(keys, map(int, sizes), bare, map(_milliseconds, times), classes, strict=False)
    objects = list(map(Listed._make, columns))
    token = _TOKEN.search(body) if more else None
    return ParsedPage(objects, not more, _plain(token[1]) if token else "")


def _plain(text: str) -> str:
    """Undo XML's escapes."""
    for name, letter in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("#39", "'"), ("amp", "&")):
        text = text.replace(f"&{name};", letter)
    return text


def _decoded(key: str) -> str:
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        raise InvalidListing("a key in it is not valid UTF-8") from None


@lru_cache(maxsize=4096)
def _milliseconds(text: str) -> int:
    # S3 writes UTC, to the second. Objects of one second are many: 0.4 µs for each of a million.
    try:
        return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1000
    except ValueError:
        raise InvalidListing("an object in it has no time of its last change") from None


def _parse_slowly(body: str) -> ParsedPage:
    try:
        root = parse_xml(body)
    except ValueError:
        raise InvalidListing(
            "it is not XML, or cut short, or has control characters in its keys as they are"
        ) from None
    if name_of(root) != "ListBucketResult":
        raise InvalidListing("it is not a listing")
    fields = {name_of(child): child.text or "" for child in root}
    encoded = fields.get("EncodingType") == "url"
    objects = [
        _object({name_of(part): part.text or "" for part in child}, encoded=encoded)
        for child in root
        if name_of(child) == "Contents"
    ]
    token = fields.get("NextContinuationToken", "")
    truncated = fields.get("IsTruncated", "true" if token else "false").strip()
    if truncated not in {"true", "false"}:
        raise InvalidListing("it does not say whether there is more")
    last = truncated == "false"
    return ParsedPage(objects, last, "" if last else token)


def _object(facts: Mapping[str, str], *, encoded: bool) -> Listed:
    if not facts.get("Key"):
        raise InvalidListing("an object in it has no key")
    size = facts.get("Size", "").strip()
    if not _NUMBER.fullmatch(size):
        raise InvalidListing("an object in it has no size")
    return Listed(
        _decoded(facts["Key"]) if encoded else facts["Key"],
        int(size),
        plain_etag(facts.get("ETag", "")),
        _milliseconds(facts.get("LastModified", "")[:19]),
        plain_class(facts.get("StorageClass", "")),
    )
