"""The kinds of queries that people ask an index of :mod:`valetkey.testing.big_index` for."""

from __future__ import annotations

from typing import Any, Final

_NEWEST: Final = {"createdAt": "descending", "id": "descending"}
_FILES: Final[dict[str, Any]] = {"type": "file"}


def _files(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"$and": [{"hidden": False}, _FILES, *conditions]}


#: By name: the filter and the sort.
KINDS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "all files": (_files(), {}),
    "the next page": (_files({"id": {"$gt": f"{500_000:024x}"}}), {"id": "ascending"}),
    "the newest": (_files(), _NEWEST),
    "the oldest": (_files(), {"createdAt": "ascending", "id": "ascending"}),
    "by the moment": (_files(), {"createdAt": "descending"}),
    "the newest of a folder": (_files({"dir": "/set/d00012"}), _NEWEST),
    "the newest below a folder": (_files({"filename": "/set/d000**"}), _NEWEST),
    "the newest of a kind": (_files({"metadata.system.mimetype": "image/png"}), _NEWEST),
    "changed since": (_files({"updatedAt": {"$gt": "2025-10-20T00:00:00.000Z"}}), {}),
    "made since, by size": (
        _files({"createdAt": {"$gt": "2025-10-12T00:00:00.000Z"}}),
        {"metadata.system.size": "descending"},
    ),
    "a name": (_files({"filename": "/set/d00012/img_0001234.jpg"}), {}),
    "names": (_files({"filename": [f"/set/d00012/img_000{n}.jpg" for n in range(1200, 1300)]}), {}),
    "an id": (_files({"id": f"{4321:024x}"}), {}),
    "what it is called": (_files({"name": "img_0001234.jpg"}), {}),
    "what some are called": (_files({"name": "*1234.jpg"}), {}),
    "what it was called": (_files({"metadata.system.originalname": "img_0001234.jpg"}), {}),
    "a part of a name": (_files({"name": {"$match": "1234"}}), {}),
    "from a to z": (_files(), {"filename": "ascending"}),
    "from z to a": (_files(), {"filename": "descending"}),
    "all from z to a": ({}, {"filename": "descending"}),
    "by what they are called": (_files(), {"name": "ascending"}),
    "by what they are called, from z": (_files(), {"name": "descending"}),
    "folder by folder": (_files(), {"dir": "ascending"}),
    "not in a folder": (_files({"dir": {"$ne": "/set/d00012"}}), _NEWEST),
    "folders by glob": (_files({"dir": "/set/**"}), _NEWEST),
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
    "by mimetype and size": (
        _files(),
        {"metadata.system.mimetype": "ascending", "metadata.system.size": "descending"},
    ),
    "no jpegs": (_files({"metadata.system.mimetype": {"$ne": "image/jpeg"}}), _NEWEST),
    "large ones of a kind": (
        _files(
            {"metadata.system.mimetype": "image/png"}, {"metadata.system.size": {"$gt": 900_000}}
        ),
        {"metadata.system.size": "descending"},
    ),
    "lately changed": (_files(), {"updatedAt": "descending"}),
    "a tag": (_files({"metadata.user.tag": "tag-5"}), {}),
    "a tag, the newest": (_files({"metadata.user.tag": "tag-5"}), _NEWEST),
    "a tag, by name": (_files({"metadata.user.tag": "tag-5"}), {"filename": "ascending"}),
    "tags": (_files({"metadata.user.tag": {"$in": ["tag-5", "tag-10"]}}), {}),
    "one of many tags": (_files({"metadata.user.tags": "t5"}), {}),
    "not a tag": (_files({"metadata.user.tag": {"$ne": "tag-5"}}), {}),
    "a tag of a kind": (
        _files({"metadata.user.tag": "tag-5"}, {"metadata.system.mimetype": "image/jpeg"}),
        {},
    ),
    "a score of a folder": (
        _files({"dir": "/set/d00012"}, {"metadata.user.score": {"$gte": 50}}),
        {},
    ),
    "folders": ({"type": "dir"}, {}),
}
