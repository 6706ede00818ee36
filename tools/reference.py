"""``python tools/reference.py audit|limits``: pages of docs/reference, read from the code."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from valetkey.api.fast import presigned as fast_presigned
from valetkey.api.fast import vending as fast_vending
from valetkey.api.requests import MAX_DEPTH
from valetkey.catalog.domain.dataset import (
    MAX_DESCRIPTION,
    MAX_METADATA_BYTES,
    TOMBSTONE_LIFETIME,
)
from valetkey.catalog.domain.dql.parse import MAX_CONDITIONS, MAX_VALUES
from valetkey.catalog.domain.dql.values import MAX_METADATA_TEXT
from valetkey.catalog.domain.export import KEPT as EXPORT_KEPT
from valetkey.catalog.domain.sync import REMEMBERED
from valetkey.catalog.services.datasets.syncs import MAX_PARALLEL
from valetkey.catalog.services.items.folders import MAX_FOLDERS
from valetkey.catalog.services.items.importing import MAX_IMPORTS
from valetkey.catalog.services.items.moving import MAX_MOVED
from valetkey.catalog.services.items.reading import MAX_COUNTED, MAX_PAGE
from valetkey.catalog.services.items.selection import MAX_EXPECTED_IDS
from valetkey.domain.access import Action
from valetkey.domain.credentials import MAX_TTL, MIN_TTL
from valetkey.domain.idempotency import KEPT, PATIENCE
from valetkey.domain.names import MAX_NAME, MAX_REASON
from valetkey.domain.presign import MAX_EXPIRES
from valetkey.domain.session_policy import MAX_CHARACTERS
from valetkey.identity.tokens import LONGEST_TOKEN, TOKEN_LIFETIME
from valetkey.services.vending.presigning import MAX_KEYS
from valetkey.wire.errors import ERROR_CATALOG

SOURCE: Final = Path(__file__).parents[1] / "src" / "valetkey"
#: Where records are written.
ROOMS: Final = ("services", "identity", "catalog/services")
_ACTION: Final = re.compile(r"[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+")
#: What is recorded without a right of its own, and what it tells.
OTHERS: Final = {
    "credentials.vend": "Credentials were vended, refused, or withheld since a right had changed.",
    "dataset.cloned": "A clone has ended.",
    "dataset.exported": "An export has ended.",
    "dataset.synced": "A sync has ended.",
    "key.use": "A store's own key was used for an entry, where there is no role to assume.",
    "objects.presign": "URLs were signed, refused, or withheld: how many, and for which keys.",
    "password_link.use": "A one-time link set a password.",
    "records.left_out": "So many records of refusals of one caller were left out.",
    "revocation.drift": "A deny was taken out at AWS, and put back.",
    "session.list": "Somebody's sessions of the console were asked for by a token, which may not.",
    "user.change_password": "A password was replaced.",
    "user.sign_in": "Somebody signed in, or tried to.",
    "user.sign_out": "Somebody ended sign-ins.",
}
#: What looks like an action and is none.
NO_ACTIONS: Final = {"valetkey.background", "valetkey.rotation"}


def verbs() -> dict[str, str]:
    """Return every verb of the services, and the right that it needs."""
    found = {}
    for node in (node for path in SOURCE.rglob("*.py") for node in _nodes(path)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Verb":
            name, action = node.args[:2]
            if isinstance(name, ast.Constant) and isinstance(action, ast.Attribute):
                found[str(name.value)] = Action[action.attr].value
    return dict(sorted(found.items()))


def named() -> set[str]:
    """Return whatever looks like an action where records are written."""
    return {
        node.value
        for room in ROOMS
        for path in (SOURCE / room).rglob("*.py")
        for node in _nodes(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _ACTION.fullmatch(node.value)
    }


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def audit_page() -> str:
    """Return the page of the audit trail's actions, in Markdown."""
    lines = [
        "# Audit actions",
        "This page is generated: `make reference`. Each record says who (`actor`), did what "
        "(`action`) to what (`subject`), how it ended (`outcome`), in which request, from where.",
        "",
        "- `allowed`: it was done. `denied`: the right was missing; such records are bounded per "
        "caller. `failed`: it was allowed, and something else kept it from being done.",
        "- Reading is recorded when it is denied; changing always; a change that changed nothing "
        "not at all.",
        "",
        "## Verbs, and the right that each needs",
        "| action | right |",
        "|---|---|",
        *(f"| `{name}` | {right} |" for name, right in verbs().items()),
        "",
        "## Others",
        "| action | tells |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in sorted(OTHERS.items())),
    ]
    return "\n".join(lines) + "\n"


def limits_page() -> str:
    """Return the page of all limits, in Markdown."""
    seconds, size, count = _seconds, _size, "{:,}".format
    status = ERROR_CATALOG["too_large"].status
    rows = {
        "Requests": [
            ("a body", "1 MiB, unless `max_body_bytes` says otherwise"),
            ("a body that asks for credentials", size(fast_vending.MAX_BODY)),
            ("a body that asks for URLs", size(fast_presigned.MAX_BODY)),
            ("nesting of a body", f"{MAX_DEPTH} deep"),
            ("a part of a list", f"1 to {count(1000)} entries, 100 unless asked otherwise"),
            ("a name", f"{MAX_NAME} letters"),
            ("a reason, a purpose", f"one line of {MAX_REASON} letters"),
            ("the answer to an Idempotency-Key is kept", seconds(KEPT.total_seconds())),
            ("a request that was killed is called so after", seconds(PATIENCE.total_seconds())),
        ],
        "Credentials": [
            (
                "how long they live",
                f"{seconds(MIN_TTL.total_seconds())} to "
                f"{seconds(MAX_TTL.total_seconds())} (AWS), and the role's own maximum",
            ),
            (
                "folders of one request",
                f"as many as fit a session policy of {count(MAX_CHARACTERS)}"
                " letters (AWS); presigning splits them",
            ),
            ("keys to sign in one request", count(MAX_KEYS)),
            (
                "how long a URL lives",
                f"{seconds(MAX_EXPIRES.total_seconds())}, and never longer "
                "than the session that signed it",
            ),
            (
                "how long an API token lives",
                f"{TOKEN_LIFETIME.days} days unless asked otherwise, {LONGEST_TOKEN.days} at most",
            ),
        ],
        "Datasets": [
            ("shards of a sync", count(MAX_PARALLEL)),
            (
                "a sync, a clone that is over is kept",
                f"{REMEMBERED.days} days; a dataset's latest sync that succeeded, as long as it",
            ),
            ("an export that is over is kept", seconds(EXPORT_KEPT.total_seconds())),
            (
                "what was written on an entry whose object is gone is kept",
                f"{TOMBSTONE_LIFETIME.days} days",
            ),
            ("a page of entries", count(MAX_PAGE)),
            ("a filter's exact total", f"up to {count(MAX_COUNTED)}; beyond, at least that"),
            ("conditions of a filter", f"{MAX_CONDITIONS}, with {count(MAX_VALUES)} values"),
            ("folders of a sorted list", count(MAX_FOLDERS)),
            ("entries moved, imported in one request", f"{count(MAX_MOVED)}, {count(MAX_IMPORTS)}"),
            ("expected ids of a bulk change", count(MAX_EXPECTED_IDS)),
            (
                "metadata of an entry",
                f"{size(MAX_METADATA_BYTES)}, a text {size(MAX_METADATA_TEXT)}",
            ),
            ("a description", f"{count(MAX_DESCRIPTION)} letters"),
        ],
    }
    lines = [
        "# Limits",
        "This page is generated: `make reference`. What is beyond a limit is refused with "
        f"`too_large` ({status}), `request_entity_too_large` (413) or `invalid_input` (400), and "
        "nothing of it is done.",
    ]
    for title, entries in rows.items():
        lines += ["", f"## {title}", "| what | limit |", "|---|---|"]
        lines += [f"| {what} | {limit} |" for what, limit in entries]
    return "\n".join(lines) + "\n"


def _seconds(number: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if number >= length and number % length == 0:
            whole = int(number // length)
            return f"{whole} {unit}{'s' if whole > 1 else ''}"
    return f"{int(number)} seconds"


def _size(number: int) -> str:
    return f"{number >> 20} MiB" if number >= 1 << 20 else f"{number >> 10} KiB"


if __name__ == "__main__":
    sys.stdout.write({"audit": audit_page, "limits": limits_page}[sys.argv[1]]())
