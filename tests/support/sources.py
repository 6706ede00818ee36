"""The source as tests read it that hold rules of the house: parsed once in a process."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache

from support.commands import ROOT

SOURCE = ROOT / "src" / "valetkey"


@cache
def texts() -> Mapping[str, str]:
    """Return the text of each module by its place, e.g. ``domain/access.py``."""
    files = sorted(SOURCE.rglob("*.py"))
    return {file.relative_to(SOURCE).as_posix(): file.read_text(encoding="utf-8") for file in files}


@cache
def tree(place: str) -> ast.Module:
    """Return the tree of a module. It is everybody's: nobody changes it."""
    return ast.parse(texts()[place])


@cache
def nodes(place: str) -> Sequence[ast.AST]:
    """Return all nodes of a module."""
    return tuple(ast.walk(tree(place)))
