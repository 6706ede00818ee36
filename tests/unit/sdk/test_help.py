"""``help()`` answers: what each exception, method and parameter of the library is."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import valetkey

CLASSES = [
    found
    for found in (getattr(valetkey, name) for name in valetkey.__all__)
    if not issubclass(found, msgspec.Struct)
]


def methods() -> Iterator[Any]:
    """Each method of each class, and what makes one."""
    for owner in CLASSES:
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_") or name == "__init__":
                yield pytest.param(owner, method, id=f"{owner.__name__}.{name}")


@pytest.mark.parametrize(("owner", "method"), list(methods()))
def test_every_parameter_of_every_method_is_explained(owner: type, method: Any) -> None:
    said = inspect.getdoc(method) or ""
    if method.__name__ == "__init__":
        said = f"{inspect.getdoc(owner)}\n{said}"
    assert said.strip()
    takes = [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    ]
    assert [name for name in takes if f"``{name}``" not in said] == []


@pytest.mark.parametrize("owner", CLASSES)
def test_help_shows_it(owner: type) -> None:
    page = pydoc.plain(pydoc.render_doc(owner))
    for _, method in inspect.getmembers(owner, inspect.isfunction):
        if not method.__name__.startswith("_"):
            assert (inspect.getdoc(method) or "").splitlines()[0] in page


def test_names_are_completed_at_a_prompt() -> None:
    assert set(valetkey.__all__) <= set(dir(valetkey))
