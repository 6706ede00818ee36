"""One name, one thing: a class or a type has a name of its own in the whole of the source.

Where the API has a noun, three rooms speak of it under its one name: the entity or the verbs of the
server, its shape in ``wire``, and the client's handle on it in ``sdk/resources`` (an error, in
``sdk/errors``). So that nobody mistakes one for the other, the server's code has the shape as
``wire.Location``, never as a bare ``Location``.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from support.commands import ROOT

SOURCE = ROOT / "src" / "valetkey"
_FILES = {
    str(file.relative_to(SOURCE)): ast.parse(file.read_text(encoding="utf-8"))
    for file in sorted(SOURCE.rglob("*.py"))
}


def _room(place: str) -> str:
    if place.startswith("wire/"):
        return "wire"
    if place.startswith("sdk/resources/") or place == "sdk/errors.py":
        return "client"
    return "server"


def _is_name(text: str) -> bool:
    return text[0].isupper() and not text.isupper() and "_" not in text


def _defined(tree: ast.Module) -> Iterator[str]:
    """Names of classes and of types; an injected dependency is its class under the same name."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_name(name):
                if not ast.unparse(value).startswith("NamedDependency["):
                    yield name


NAMES = Counter(
    (_room(place), name) for place, tree in _FILES.items() for name in set(_defined(tree))
)


def test_a_name_stands_for_one_thing() -> None:
    public = {key: count for key, count in NAMES.items() if not key[1].startswith("_")}
    assert len(public) > 800
    twice = {
        name: [place for place, tree in _FILES.items() if name in set(_defined(tree))]
        for (_, name), count in public.items()
        if count > 1
    }
    assert twice == {}


def _bare_shapes(place: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("valetkey.wire."):
            for each in node.names:
                if ("server", each.name) in NAMES and each.asname is None:
                    yield f"{place}: {each.name}"


def test_the_server_calls_a_shape_by_its_module() -> None:
    """The client knows no entities: there a bare name is a shape."""
    server = {
        place: tree
        for place, tree in _FILES.items()
        if not place.startswith(("wire/", "sdk/", "cli/"))
    }
    assert [it for place, tree in server.items() for it in _bare_shapes(place, tree)] == []
