"""No file is needed by what it needs itself, not even for a type or inside a function."""

from __future__ import annotations

import graphlib

import grimp


def test_imports_have_no_circle() -> None:
    graph = grimp.build_graph("valetkey", cache_dir=None)
    needs = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    assert len(needs) > 400
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, naming the circle
