"""``python -m bench [NAME...]``: measure, print ``name value unit``, write ``bench/results.json``.

Names choose among the groups: presign, vend, first, heavy, postgres, memory, transfer, signin,
sync, index, beside, fleet.
``--objects N`` is how many objects a sync is measured with (default: 1,000,000; its memory also
with five times as many, and pages of those beside pages of ten thousand).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import (
    beside,
    first,
    fleet,
    heavy,
    index,
    memory,
    presign,
    presign_http,
    signin,
    sync,
    transfer,
    vend,
)
from bench.figures import Figure
from bench.installation import installation
from valetkey.testing.postgresql import running_postgresql


def _presign() -> list[Figure]:
    ours, theirs = presign.measure()
    ratio = Figure(
        "presign_ratio",
        round(ours / theirs, 2),
        "ratio",
        f"boto3 generate_presigned_url: {theirs:.0f} URLs/s; ours {ours:.0f}",
    )
    with installation() as made:
        return [ratio, presign_http.figure(made, theirs)]


def _vend() -> list[Figure]:
    with installation() as made:
        return [
            *vend.warm(made),
            *vend.strict(made),
            vend.container(made),
            vend.cold(made),
            vend.beside_presigns(made),
            vend.herd(made),
        ]


def _first() -> list[Figure]:
    with installation() as made:
        return [first.figure(made)]


def _postgres() -> list[Figure]:
    with _postgresql() as url, installation(url) as made:
        return [*vend.warm(made, "_postgres"), *vend.strict(made, "_postgres")]


def _heavy() -> list[Figure]:
    with installation() as made:
        return heavy.figures(made)


def _memory() -> list[Figure]:
    with installation() as made:
        return memory.figures(made.serving.resident_mb())


def _transfer() -> list[Figure]:
    with installation() as made:
        return transfer.figures(made)


def _signin() -> list[Figure]:
    with installation() as made:
        return [signin.beside_flood(made)]


def _sync(objects: int) -> list[Figure]:
    with _postgresql() as url:
        ratios = sync.figures(objects, url)
    return [*ratios, *sync.sizes(objects)]


def _index(objects: int) -> list[Figure]:
    with _postgresql() as url:
        return index.figures(objects, url)


def _fleet(objects: int) -> list[Figure]:
    with _postgresql() as url:
        return fleet.figures(url, objects)


@contextmanager
def _postgresql() -> Iterator[str]:
    """Run a real PostgreSQL for a while."""
    with TemporaryDirectory() as folder, running_postgresql(Path(folder) / "pg") as url:
        yield url


GROUPS: dict[str, Callable[[int], list[Figure]]] = {
    "presign": lambda _: _presign(),
    "vend": lambda _: _vend(),
    "first": lambda _: _first(),
    "heavy": lambda _: _heavy(),
    "postgres": lambda _: _postgres(),
    "memory": lambda _: _memory(),
    "transfer": lambda _: _transfer(),
    "signin": lambda _: _signin(),
    "sync": _sync,
    "index": _index,
    "fleet": _fleet,
    "beside": lambda objects: [beside.figure(objects)],
}


def main() -> None:
    """Run the chosen groups, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("groups", nargs="*", metavar="NAME", help=", ".join(GROUPS))
    parser.add_argument("--objects", type=int, default=1_000_000, help="how many a sync lists")
    given = parser.parse_args()
    if unknown := set(given.groups) - set(GROUPS):
        parser.error(f"there is no group {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in given.groups or GROUPS:
        for figure in GROUPS[name](given.objects):
            print(figure.name, figure.value, figure.unit, flush=True)
            figures.append(figure)
    results = Path(__file__).with_name("results.json")
    content = {"figures": [figure.as_json() for figure in figures]}
    results.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
