"""The kinds of queries that people ask an index of :mod:`valetkey.testing.big_index` for."""

from __future__ import annotations

from typing import Any, Final

_FILES: Final[dict[str, Any]] = {"type": "file"}


def _files(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"$and": [{"hidden": False}, _FILES, *conditions]}


#: By name: the filter and the sort.
KINDS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "all files": (_files(), {}),
    "the next page": (_files({"id": {"$gt": f"{500_000:024x}"}}), {"id": "ascending"}),
    "the newest": (_files(), {"createdAt": "descending", "id": "descending"}),
    "a name": (_files({"filename": "/set/d00012/img_0001234.jpg"}), {}),
    "names": (_files({"filename": [f"/set/d00012/img_000{n}.jpg" for n in range(1200, 1300)]}), {}),
    "an id": (_files({"id": f"{4321:024x}"}), {}),
    "a folder": (_files({"dir": "/set/d00012"}), {}),
    "a folder by glob": (_files({"filename": "/set/d00012/*"}), {}),
    "all below a folder": (_files({"filename": "/set/d000**"}), {}),
    "an ending": (_files({"filename": "*.png"}), {}),
    "a rare word": (_files({"filename": "*_0999*"}), {}),
    "a word, by name": (_files({"filename": "*_0999*"}), {"filename": "ascending"}),
    "large ones": (_files({"metadata.system.size": {"$gt": 999_990}}), {}),
    "by size": (_files(), {"metadata.system.size": "descending"}),
    "a mimetype": (_files({"metadata.system.mimetype": "image/png"}), {}),
    "mimetypes by glob": (_files({"metadata.system.mimetype": "*json*"}), {}),
    "a month": (_files({"createdAt": "2025-10-*"}), {}),
    "lately changed": (_files(), {"updatedAt": "descending"}),
    "a tag": (_files({"metadata.user.tag": "tag-5"}), {}),
    "a score of a folder": (
        _files({"dir": "/set/d00012"}, {"metadata.user.score": {"$gte": 50}}),
        {},
    ),
    "folders": ({"type": "dir"}, {}),
}
