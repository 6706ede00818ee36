"""``python -m valetkey.api.v1.reference openapi|rest``: the generated pages about the own API."""

from __future__ import annotations

import sys
from http import HTTPStatus

import msgspec

from valetkey.api.v1.openapi import describe
from valetkey.wire import OPERATIONS, TAGS
from valetkey.wire.errors import ERROR_CATALOG


def openapi_page() -> str:
    """Return the description, as it is committed: its version is the API's, not the server's."""
    document = msgspec.json.encode(describe("1"))
    return msgspec.json.format(document, indent=1).decode() + "\n"


def rest_page() -> str:
    """Return the page of all operations and all error codes, in Markdown."""
    lines = [
        "# The REST API",
        "This page is generated: `make reference`. The full description, with each property and an "
        "example of each body, is [openapi.json](openapi.json), which a server serves at "
        "`/v1/openapi.json`.",
        "",
        "- **Who asks**: `Authorization: Bearer TOKEN`, an API token's or a login's.",
        '- **Lists** are `{"items": [...], "next": "..." | null}`; `limit` and `cursor` go on. '
        "Unknown parameters are refused.",
        '- **Errors** are `{"error": {code, message, hint, field, details, requestId}}`.',
        "- **Twice**: a POST that makes something takes an `Idempotency-Key`, and makes one thing. "
        "Any other POST answers 400 (`idempotency_key_not_taken`) to one: it would be worked on "
        "again. GET, PUT, PATCH and DELETE need none, and let it be: sent twice they leave what "
        "they leave sent once (a second DELETE answers 404); what others do in between is held by "
        "`If-Match`.",
        "- **Past each other**: what can be changed has an `ETag`; with `If-Match` a stale change "
        "answers 412 and changes nothing. PATCH is a merge-patch: null takes away.",
        "- **Work that takes time** answers 202 with a `Location`; `GET /v1/operations/{id}"
        "?waitSeconds=30` waits for its end.",
        "",
        "## Operations",
    ]
    for tag, meaning in TAGS.items():
        lines += ["", f"### {tag}", meaning, "", "| operation | address | |", "|---|---|---|"]
        lines += [
            f"| `{operation.id}` | `{operation.method} {operation.path}` | {operation.summary} |"
            for operation in OPERATIONS
            if operation.tag == tag
        ]
    lines += ["", "## Error codes", "| code | status | means | what to do |", "|---|---|---|---|"]
    for name, code in ERROR_CATALOG.items():
        status = f"{code.status} {HTTPStatus(code.status).phrase}"
        lines.append(f"| `{name}` | {status} | {code.meaning} | {code.remedy} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write a page to standard output."""
    sys.stdout.write({"openapi": openapi_page, "rest": rest_page}[sys.argv[1]]())


if __name__ == "__main__":
    main()
