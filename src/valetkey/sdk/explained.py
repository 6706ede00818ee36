"""What ``help()`` says of parameters that many methods share: written once, here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Final, TypeVar, get_type_hints

C = TypeVar("C", bound=type)

_MEANINGS: Final[Mapping[str, str]] = {
    "call": "A request, as ``valetkey.sdk.sending`` describes it.",
    "flow": "Requests that depend on the answers before them.",
    "name": "Its name or id.",
    "project": "Its project, by name or id, where several have the name.",
    "connection": "A DuckDB connection.",
    "prefixes": 'Folders below the location\'s own; ``""`` is all of it.',
    "access": "What may be done there: list, read, write, delete.",
    "ttl": "For how many seconds one credential is good, 900 to 43,200; None: an hour, or less "
    "where no more is allowed.",
    "purpose": "What it is for; it stands in the record.",
    "bare": "Let listings name the folders without their ``/``, as ``aws s3 ls s3://b/f`` does.",
    "versions": "Open old versions of the objects too.",
    "min_ttl": "How many seconds must be left of it at least, up to ``ttl``: one that was handed "
    "out before is given again only while it has that.",
    "keys": "Full keys of the bucket.",
    "method": "What is done with the URL: GET, PUT, HEAD or DELETE.",
    "expires": "After how many seconds a URL ends; it is cut where the session ends.",
    "disposition": "The Content-Disposition of the answers.",
    "version_ids": "A version's id for each key, or nothing.",
    "path": "A path below the location's folder.",
}


def explained(owner: C) -> C:
    """Add to the docstring of each public method of a class what its parameters mean."""
    for name, method in vars(owner).items():
        if isinstance(method, FunctionType) and method.__doc__ and not name.startswith("_"):
            lines = [f"- ``{each}``: {_MEANINGS[each]}" for each in _parameters(method)]
            if lines:
                method.__doc__ = "\n".join([inspect.cleandoc(method.__doc__), "", *lines])
    return owner


def explain_properties(shape: type) -> None:
    """Add to the docstring of a shape what its properties mean."""
    hints = get_type_hints(shape, include_extras=True)
    lines = [
        f"- ``{name}``: {meta.description}"
        for name, hint in hints.items()
        for meta in getattr(hint, "__metadata__", ())
        if getattr(meta, "description", None)
    ]
    if shape.__doc__ and lines:
        shape.__doc__ = "\n".join([inspect.cleandoc(shape.__doc__), "", *lines])


def _parameters(method: FunctionType) -> list[str]:
    code = method.__code__
    return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
