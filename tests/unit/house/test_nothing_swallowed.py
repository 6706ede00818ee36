"""Nothing is swallowed: who catches a failure of the outside, or any at all, raises it anew, logs
it, or makes an answer of it. Who does none of these is here, with the reason.

What says one thing only (a text that is no number, a file that is not there, a wait that is over)
may be an answer by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from support.sources import texts, tree

#: What may mean anything: that a database is gone, that AWS said no, that there is a bug.
BROAD: Final = {
    "ApiError",
    "AwsRefused",
    "AwsUnavailable",
    "BaseException",
    "Exception",
    "OSError",
    "PostgresError",
    "SQLAlchemyError",
    "StorageUnavailable",
    "Unavailable",
    "ValetkeyError",
}
LOGS: Final = {"critical", "debug", "error", "exception", "info", "log", "warning"}
#: Each ends in what somebody else says or does.
REASONS: Final = {
    "aws/objects/multipart.py: _abort": "four actions do not let us; a rule tidies up",
    "aws/objects/tagging.py: ensure_tags": "the refusal of the tags is told, which came first",
    "catalog/console/items.py: _first_picture": "the picture says so itself",
    "catalog/console/items.py: _signed_pictures": "each picture says so itself",
    "catalog/services/datasets/single.py: renew": "who lost a shard finds out at its next step",
    "catalog/services/datasets/worker.py: _release": "the next start does it",
    "cli/entry.py: _fail": "What can't be told on standard output is told on standard error.",
    "cli/connection.py: _fresh": "the command's own request says better what is wrong",
    "cli/credential_helpers/cache.py: _private_text": "no cache: it is asked for",
    "cli/credential_helpers/cache.py: _write": "no cache: it is asked for again",
    "cli/credential_helpers/children.py: _in_the_foreground": "no terminal: not in its foreground",
    "db/claim.py: _taken": "who has it can't be read; that somebody does is raised",
    "db/files.py: _place_of": "a file that is not there has no place",
    "db/files.py: _require_log": "without an index that can be read, nothing is known to be lost",
    "db/journal/postgres.py: _drop_if_dead": "the connection is dropped, and the next one tells",
    "system.py: step_back": "a sandbox without niceness works as before",
    "sdk/profiles.py: _renewed": "the call itself is refused, and says why",
    "services/idempotency.py: _mark_cut": "the request counts as cut once its time is over",
    "services/revocation/revoking.py: _carry_out": "the revocation has its problem stored",
    "services/revocation/revoking.py: _release": "it ends by itself; the revocation tells",
    "services/rotation/rotations.py: _note": "the error that was to be noted is raised",
    "services/rotation/rotations.py: resume": "the rotation has its problem stored, and audited",
    "services/setup/keymaker.py: _take_back": "the journal explains the key; the cause is raised",
    "services/work.py: hold": "a lease ends by itself",
    "serving/lifecycle.py: notify": "a service manager that is gone needs no word",
    "serving/lifecycle.py: remove": "what is left is written over at the next start",
    "serving/lifecycle.py: write": "what is not there need not be removed; why it failed is told",
    "serving/server.py: allow_many_files": "the system's own limit stays",
    "serving/workers.py: is_ready": "the first process is gone, and this one ends with it",
    "testing/objects.py: may_put": "the double's own answer to a question",
}


def _names(caught: ast.expr | None) -> set[str]:
    if caught is None:
        return {"BaseException"}
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(caught)
        if isinstance(node, ast.Attribute | ast.Name)
    }


def _tells(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler raises, logs, or makes something of the error."""
    for node in (node for statement in handler.body for node in ast.walk(statement)):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Attribute) and node.attr in LOGS:
            return True
        if isinstance(node, ast.Name) and node.id == handler.name:
            return True
    return False


def _swallows(node: ast.AST) -> bool:
    match node:
        case ast.ExceptHandler(type=caught):
            return bool(_names(caught) & BROAD) and not _tells(node)
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=caught):
            return called.endswith("suppress") and any(_names(each) & BROAD for each in caught)
    return False


def _inside(node: ast.AST, function: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if _swallows(child):
            yield function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _inside(child, child.name)
        else:
            yield from _inside(child, function)


def test_whoever_swallows_a_failure_has_a_reason() -> None:
    swallowing = {
        f"{place}: {function}" for place in texts() for function in _inside(tree(place), "")
    }
    assert swallowing == set(REASONS)
