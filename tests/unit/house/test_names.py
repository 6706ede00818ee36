"""One name, one thing: a class or a type has a name of its own in the whole of the source.

Where the API has a noun, three rooms speak of it under its one name: the entity or the verbs of the
server, its shape in ``wire``, and the client's handle on it in ``sdk/resources`` (an error, in
``sdk/errors``). So that nobody mistakes one for the other, the server's code has the shape as
``wire.Location``, never as a bare ``Location``.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Container, Iterator
from typing import Final

from support.sources import nodes, texts, tree


def _room(place: str) -> str:
    if place.startswith("wire/"):
        return "wire"
    if place.startswith("sdk/resources/") or place == "sdk/errors.py":
        return "client"
    return "server"


def _is_name(text: str) -> bool:
    return text[0].isupper() and not text.isupper() and "_" not in text


def _defined(module: ast.Module) -> Iterator[str]:
    """Names of classes and of types; an injected dependency is its class under the same name."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield name.lstrip("_")
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_name(name):
                if not ast.unparse(value).startswith("NamedDependency["):
                    yield name


def _names() -> Counter[tuple[str, str]]:
    return Counter((_room(place), name) for place in texts() for name in set(_defined(tree(place))))


def test_a_name_stands_for_one_thing() -> None:
    names = _names()
    assert len(names) > 900
    twice = {
        name: [place for place in texts() if name in set(_defined(tree(place)))]
        for (_, name), count in names.items()
        if count > 1
    }
    assert twice == {}


def _bare_shapes(place: str, names: Container[tuple[str, str]]) -> Iterator[str]:
    for node in nodes(place):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("valetkey.wire."):
            for each in node.names:
                if ("server", each.name) in names and each.asname is None:
                    yield f"{place}: {each.name}"


def test_the_server_calls_a_shape_by_its_module() -> None:
    """The client knows no entities: there a bare name is a shape."""
    names = _names()
    server = [place for place in texts() if not place.startswith(("wire/", "sdk/", "cli/"))]
    assert [it for place in server for it in _bare_shapes(place, names)] == []


#: Words that the house had for itself, and the field has others for: an authorization, a response,
#: a credential's request, an unknown key, a repair.
RETIRED: Final = re.compile(
    "answers?|believe|blame|demolition|face|farewell|fate|hangers?|lend|mend(?:ed)?|meanings?|meant|"
    "mint(?:ed|s)?|nobody|repeats|shelf|shelves|strangers?|surroundings|told|unseen|warrants?|wording"
)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def _named(place: str) -> Iterator[str]:
    """Yield the module, and its classes and functions."""
    yield place.removesuffix("__init__.py").removesuffix(".py")
    for node in nodes(place):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_names_are_of_the_fields_words() -> None:
    own = {
        f"{place}: {name}"
        for place in texts()
        for name in _named(place)
        if any(RETIRED.fullmatch(word.lower()) for word in _WORD.findall(name))
    }
    assert own == set()
