"""The house's own measures: rooms that are read in one sitting, and doors with a name plate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from support.sources import nodes, texts, tree

_IMPLEMENTS = re.compile(r"Implements (?:[\w.]+\.)?(\w+)")
_Function = ast.FunctionDef | ast.AsyncFunctionDef

#: Lines that a module, and a function, may have.
MODULE, FUNCTION = 400, 40
#: The part of what is public that says what it promises.
DOCUMENTED = 0.9
#: How often ``Any`` may stand in 1,000 lines; it was 21 in the first edition.
ANY = 15

#: What a program writes, a module for each noun of the API.
GENERATED = "sdk/resources/"
#: Functions that are one list, which would not be easier to read in pieces: what they list.
LISTS = {
    "db/migrations/versions/0001_first_tables.py: upgrade": "the first tables",
    "bootstrap.py: wire": "the services, with what each stands on",
    "domain/setup/export/cloudformation.py: _resources": "a template's resources",
    "domain/setup/export/terraform.py: _resources": "a module's resources",
}


def _lines(node: _Function) -> int:
    """Count what a reader has to follow at once: a signature and its docstring are read by
    themselves, and so are functions within."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    within = [it for it in body if isinstance(it, _Function)]
    whole = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
    return whole - sum((it.end_lineno or 0) - it.lineno + 1 for it in within)


def test_no_module_is_longer_than_one_sitting() -> None:
    lengths = {place: len(text.splitlines()) for place, text in texts().items()}
    long = {place: length for place, length in lengths.items() if length > MODULE}
    assert {place for place in long if not place.startswith(GENERATED)} == set()


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{place}: {node.name}": _lines(node)
        for place in texts()
        for node in nodes(place)
        if isinstance(node, _Function)
    }
    long = {
        name: length for name, length in lengths.items() if name not in LISTS and length > FUNCTION
    }
    assert long == {}


def _public(body: list[ast.stmt]) -> Iterator[ast.ClassDef | _Function]:
    for node in body:
        if isinstance(node, ast.ClassDef | _Function) and not node.name.startswith("_"):
            yield node


def _ports() -> dict[str, set[str]]:
    """Return what the ports document: an implementation promises what its port does."""
    found: dict[str, set[str]] = {}
    for place in texts():
        for node in _public(tree(place).body):
            if isinstance(node, ast.ClassDef):
                documented = {it.name for it in _public(node.body) if ast.get_docstring(it)}
                found.setdefault(node.name, set()).update(documented)
    return found


def _undocumented(place: str, ports: dict[str, set[str]]) -> Iterator[tuple[str, bool]]:
    for node in _public(tree(place).body):
        said = ast.get_docstring(node) or ""
        yield f"{place}: {node.name}", bool(said)
        if isinstance(node, ast.ClassDef):
            port = _IMPLEMENTS.search(said)
            promised = ports.get(port[1], set()) if port else set()
            for method in _public(node.body):
                told = bool(ast.get_docstring(method)) or method.name in promised
                yield f"{place}: {node.name}.{method.name}", told


def test_what_is_public_says_what_it_promises() -> None:
    ports = _ports()
    told = [one for place in texts() for one in _undocumented(place, ports)]
    silent = [name for name, said in told if not said]
    share = 1 - len(silent) / len(told)
    assert share >= DOCUMENTED, f"{share:.3f}; silent:\n" + "\n".join(silent)


def test_any_stands_where_a_third_partys_type_is() -> None:
    names = sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for place in texts()
        for node in nodes(place)
    )
    lines = sum(len(text.splitlines()) for text in texts().values())
    assert names / lines * 1000 <= ANY
