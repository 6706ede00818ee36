"""The vendor's documented calls, as a table: what is called, and what is expected of it."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[[Any, Any, Any], Any]


def _names(pages: Any) -> list[str]:
    return sorted(item.filename for item in pages.all())


def _list(field: str, values: Any, operator: str | None = None) -> Call:
    def call(dl: Any, _: Any, dataset: Any) -> list[str]:
        filters = dl.Filters(field=field, values=values, operator=operator)
        return _names(dataset.items.list(filters=filters))

    return call


def _sorted(**fields: str) -> Call:
    def call(dl: Any, _: Any, dataset: Any) -> list[str]:
        filters = dl.Filters()
        for field, direction in fields.items():
            filters.sort_by(field=field.replace("__", "."), value=direction)
        return [item.filename for item in dataset.items.list(filters=filters, page_size=2).all()]

    return call


def _get(name: str) -> Call:
    return lambda _, __, dataset: dataset.items.get(filepath=name).filename


def _custom(document: dict[str, Any]) -> Call:
    def call(dl: Any, _: Any, dataset: Any) -> list[str]:
        filters = dl.Filters(custom_filter={"filter": document})
        return sorted(item.filename for item in dataset.items.list(filters=filters).items)

    return call


def _folders(dl: Any, _: Any, dataset: Any) -> list[str]:
    return _names(dataset.items.list(filters=dl.Filters(field="type", values="dir")))


def _datasets(field: str, values: Any) -> Call:
    def call(dl: Any, project: Any, _: Any) -> list[str]:
        filters = dl.Filters(resource=dl.FiltersResource.DATASET, field=field, values=values)
        return sorted(found.name for found in project.datasets.list(filters=filters))

    return call


def _rename_project(_dl: Any, project: Any, _: Any) -> str:
    project.name = project.name + "-renamed"
    return str(project.update().name.endswith("-renamed"))


def _without_driver(_dl: Any, project: Any, _: Any) -> str:
    dataset = project.datasets.create(dataset_name="of the default driver")
    body = io.BytesIO(b"bytes")
    body.name = "new.txt"
    item = dataset.items.upload(local_path=body, remote_path="/")
    found: str = item.download(save_locally=False).read().decode()
    return found


def _keys(of: str, *names: str) -> Call:
    def call(_: Any, project: Any, dataset: Any) -> list[str]:
        entities = {"project": project, "dataset": dataset}
        entity = entities.get(of) or dataset.items.get(filepath="/train/a.jpg")
        return sorted(set(names) - entity.to_json().keys())

    return call


def _long_text(_dl: Any, _: Any, dataset: Any) -> int:
    item = dataset.items.get(filepath="/train/a.jpg")
    item.metadata["user"] = {**item.metadata.get("user", {}), "text": "x" * 65_536, "big": 2**62}
    return len(item.update().metadata["user"]["text"])


def _described(dl: Any, _: Any, dataset: Any) -> list[Any]:
    item = dataset.items.get(filepath="/train/a.jpg")
    item.description = "two cats"
    item.update()
    found = [
        _names(dataset.items.list(filters=dl.Filters(field="description", values=value)))
        for value in ("two cats", "*cat*", "dog")
    ]
    item.description = ""
    item.update()
    return found


def _of_dataset(dl: Any, _: Any, dataset: Any) -> list[str]:
    return _names(dataset.items.list(filters=dl.Filters(field="datasetId", values=dataset.id)))


def _too_many(dl: Any, _: Any, dataset: Any) -> str:
    ids = [f"{number:024x}" for number in range(5_001)]
    filters = dl.Filters(field="id", values=ids, operator=dl.FiltersOperations.IN)
    try:
        return str(_names(dataset.items.list(filters=filters)))
    except dl.exceptions.ExceptionMain as error:
        return str(error.status_code)


def _refused(verb: str, field: str) -> Call:
    direction = {"add": {"values": "x"}, "sort_by": {"value": "ascending"}}[verb]

    def call(dl: Any, _: Any, dataset: Any) -> str:
        filters = dl.Filters()
        getattr(filters, verb)(field=field, **direction)
        try:
            return str(_names(dataset.items.list(filters=filters)))
        except dl.exceptions.ExceptionMain as error:
            return str(error.status_code)

    return call


def _delete_exact(dl: Any, _: Any, dataset: Any) -> list[str]:
    dataset.items.delete(filters=dl.Filters(field="filename", values="/odd/q?x.jpg"))
    return _names(dataset.items.list(filters=dl.Filters(field="dir", values="/odd")))


def _without_default(dl: Any, _: Any, __: Any) -> bool:
    bare = dl.projects.create(project_name="calls-bare")
    try:
        bare.datasets.create(dataset_name="nowhere")
    except dl.exceptions.ExceptionMain as error:
        return "defaultDriver" in str(error)
    return False


def _items_of_a_dataset(dl: Any, _: Any, dataset: Any) -> list[str]:
    done, answer = dl.client_api.gen_request(req_type="get", path=f"/datasets/{dataset.id}/items")
    return sorted(item["filename"] for item in answer.json()["items"]) if done else []


def _unknown_address(dl: Any, _: Any, __: Any) -> list[bool]:
    seen = []
    for method in ("get", "post", "patch", "delete"):
        done, answer = dl.client_api.gen_request(req_type=method, path="/ontologies/1", json_req={})
        seen.append(not done and answer.status_code == 404 and "guide" in answer.text)
    return seen


def _outside(call: Call) -> Call:
    def tried(dl: Any, project: Any, dataset: Any) -> str:
        try:
            call(dl, project, dataset)
        except dl.exceptions.ExceptionMain as error:
            return str(error.status_code)
        return "it worked"

    return tried


def _exported(**options: Any) -> Call:
    def call(dl: Any, _: Any, dataset: Any) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            chosen = {key: _of_sdk(dl, value) for key, value in options.items()}
            found = Path(dataset.export(local_path=folder, **chosen))
            if found.suffix == ".json":
                texts = [found.read_text()]
            else:
                texts = [path.read_text() for path in found.rglob("*.json")]
            lists = [json.loads(text) for text in texts]
        rows = [row for rows in lists for row in (rows if isinstance(rows, list) else [rows])]
        return sorted(row["filename"] for row in rows)

    return call


def _of_sdk(dl: Any, name: str) -> Any:
    found = dl
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _exported_in_subsets(_dl: Any, _: Any, dataset: Any) -> list[str]:
    seen: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        jobs = dataset.datasets._export_recursive(
            dataset=dataset, local_path=folder, max_items_per_subset=4
        )
        for path in jobs:
            seen += [item["filename"] for item in json.loads(Path(path).read_text())]
    return sorted(seen)


def _exported_in_parts(dl: Any, _: Any, dataset: Any) -> list[Any]:
    version = dl.DatasetExportVersion.V3
    with tempfile.TemporaryDirectory() as folder:
        filters = dl.Filters(field="dir", values="/train")
        full = dataset.export(local_path=folder, export_version=version, filters=filters)
        lines = [gzip.decompress(Path(p).read_bytes()) for p in full.downloaded_files]
        names = [json.loads(line)["filename"] for part in lines for line in part.splitlines()]
        dataset.items.get(filepath="/train/a.jpg").set_description("newer")
        changed = dataset.export(
            local_path=folder,
            export_version=version,
            export_mode=dl.ExportMode.DIFF,
            from_version=full.to_version,
            filters=filters,
        )
        lines = [gzip.decompress(Path(p).read_bytes()) for p in changed.downloaded_files]
        newer = [json.loads(line)["filename"] for part in lines for line in part.splitlines()]
    dataset.items.delete(filters=dl.Filters(field="dir", values="/.dataloop"))
    return [sorted(names), full.total_records, newer]


def _cloned(_dl: Any, _: Any, dataset: Any) -> list[list[str]]:
    item = dataset.items.get(filepath="/train/a.jpg")
    item.metadata["user"] = {"of": "the source"}
    item.update()
    copy = dataset.clone(clone_name="calls-copy")
    tag = copy.items.get(filepath="/train/a.jpg").metadata["user"]["of"]
    found = [_names(copy.items.list()), [tag, copy.name]]
    copy.delete(sure=True, really=True)
    return found


def _cloned_into(dl: Any, project: Any, dataset: Any) -> list[list[str]]:
    other = project.datasets.create(dataset_name="calls-target")
    filters = dl.Filters(field="dir", values="/train")
    dataset.clone(dst_dataset_id=other.id, target_directory="copies", filters=filters)
    again = other.items.get(filepath="/copies/train/b.jpg")
    one = again.clone(remote_filepath="/one.jpg", metadata={"user": {"n": 1}})
    bodies = [one.download(save_locally=False).read().decode(), str(one.metadata["user"]["n"])]
    found = [_names(other.items.list()), bodies]
    other.delete(sure=True, really=True)
    return found


def _links(dl: Any, project: Any, dataset: Any) -> list[Any]:
    other = project.datasets.create(dataset_name="calls-links")
    source = dataset.items.get(filepath="/train/b.jpg")
    link = other.items.upload(local_path=dl.ItemLink(item=source), remote_path="/")
    url = other.items.upload(local_path=dl.UrlLink(ref="https://example.com/a.png"))
    shown = {item.filename: item for item in other.items.list().all()}
    body = shown[link.filename].download(save_locally=False).read().decode()
    again = other.items.get(item_id=link.id).download(save_locally=False).read().decode()
    found = [sorted(shown), body, again, shown[url.filename].resolved_stream]
    other.delete(sure=True, really=True)
    return found


TRAIN = ["/train/a.jpg", "/train/b.jpg", "/train/deep/c.jpg", "/train/zero.bin"]
ODD = ["/odd/q?x.jpg", "/odd/qax.jpg", "/odd/s*r.jpg", "/odd/sar.jpg"]
ALL = sorted([*TRAIN, *ODD, "/other/d.txt", "/precious.bin"])
JPEGS = [name for name in ALL if name.endswith(".jpg")]
#: In this order: the last ones change things.
CALLS: dict[str, tuple[Call, Any]] = {
    "items.list()": (lambda _, __, dataset: _names(dataset.items.list()), ALL),
    "filename *.jpg": (_list("filename", "*.jpg"), JPEGS),
    "filename *ee*": (_list("filename", "*ee*"), ["/train/deep/c.jpg"]),
    "filename /train": (_list("filename", "/train"), TRAIN),
    "filename /train/*": (
        _list("filename", "/train/*"),
        [name for name in TRAIN if "deep" not in name],
    ),
    "filename /train/**": (_list("filename", "/train/**"), TRAIN),
    "filename in": (_list("filename", ["/train/a.jpg", "*.txt"], "in"), ["/other/d.txt", TRAIN[0]]),
    "dir /train": (_list("dir", "/train"), [TRAIN[0], TRAIN[1], TRAIN[3]]),
    "dir /train/": (_list("dir", "/train/"), [TRAIN[0], TRAIN[1], TRAIN[3]]),
    "dir /train/**": (_list("dir", "/train/**"), TRAIN),
    "name": (_list("name", "a.jpg"), ["/train/a.jpg"]),
    "mimetype image*": (_list("metadata.system.mimetype", "image*"), JPEGS),
    "mimetype *jpeg": (_list("metadata.system.mimetype", "*jpeg"), JPEGS),
    "originalname": (_list("metadata.system.originalname", "b.jpg"), ["/train/b.jpg"]),
    "size gt text": (
        _list("metadata.system.size", "0", "gt"),
        [name for name in ALL if name != "/train/zero.bin"],
    ),
    "createdAt 20*": (_list("createdAt", "1999-*"), []),
    "createdAt gt": (_list("createdAt", "2020-01-01T00:00:00.000Z", "gt"), ALL),
    "annotated": (_list("annotated", False), ALL),
    "name ne": (
        _list("name", "a.jpg", "ne"),
        [name for name in ALL if name != "/train/a.jpg"],
    ),
    "name nin": (_list("name", ["a.jpg", "b.jpg"], "nin"), [n for n in ALL if n not in TRAIN[:2]]),
    "metadata exists": (_list("metadata.user.nothing", True, "exists"), []),
    "storage class": (_list("metadata.system.storageClass", "STANDARD"), ALL),
    "GET items of a dataset": (_items_of_a_dataset, ALL),
    "description": (_described, [["/train/a.jpg"], ["/train/a.jpg"], []]),
    "dataset id": (_of_dataset, None),
    "exact with ?": (_list("filename", "/odd/q?x.jpg"), ["/odd/q?x.jpg"]),
    "get with *": (_get("/odd/s*r.jpg"), "/odd/s*r.jpg"),
    "get with ?": (_get("/odd/q?x.jpg"), "/odd/q?x.jpg"),
    "sort createdAt": (_sorted(createdAt="descending"), None),
    "sort filename": (_sorted(filename="descending"), ALL[::-1]),
    "sort name": (_sorted(name="ascending"), None),
    "sort dir, name": (_sorted(dir="ascending", name="ascending"), None),
    "sort size": (_sorted(metadata__system__size="descending"), None),
    "sort updatedAt": (_sorted(updatedAt="ascending"), None),
    "custom filter": (_custom({"$or": [{"name": "a.jpg"}, {"name": "d.txt"}]}), [ALL[4], TRAIN[0]]),
    "folders": (_folders, ["/odd", "/other", "/train", "/train/deep"]),
    "directory tree": (
        lambda _, __, dataset: sorted(dataset.directory_tree.dir_names),
        ["/", "/odd", "/other", "/train", "/train/deep"],
    ),
    "datasets by metadata": (_datasets("metadata.user.team", "vision"), ["calls-data"]),
    "datasets by name": (_datasets("name", "calls-*"), ["calls-data"]),
    "keys of a project": (_keys("project", "id", "name", "org", "creator"), []),
    "keys of a dataset": (_keys("dataset", "updatedBy", "indexDriver", "itemsCount"), []),
    "keys of an item": (_keys("item", "updatedBy", "metadata", "createdAt", "dataset"), []),
    "export": (_exported(), ALL),
    "export to folders": (_exported(output_export_type="OutputExportType.FOLDERS"), ALL),
    "export as zip": (_exported(export_type="ExportType.ZIP"), ALL),
    "export in subsets": (_exported_in_subsets, ALL),
    "export in parts": (
        _exported_in_parts,
        [[TRAIN[0], TRAIN[1], TRAIN[3]], 3, ["/train/a.jpg"]],
    ),
    "long metadata": (_long_text, 65_536),
    "annotations": (
        _outside(lambda _, __, d: d.items.get(filepath="/train/a.jpg").annotations.list()),
        "404",
    ),
    "tasks": (_outside(lambda _, project, __: project.tasks.list()), "404"),
    "models": (_outside(lambda _, project, __: project.models.list()), "404"),
    "delete an exact name": (_delete_exact, [ODD[1], ODD[2], ODD[3]]),
    "an unknown address": (_unknown_address, [True] * 4),
    "sort by what items can't be sorted by": (_refused("sort_by", "metadata.user.n"), "422"),
    "filter by a field that items have not": (_refused("add", "nope"), "422"),
    "more values than a filter may have": (_too_many, "413"),
    "neither a driver nor a default": (_without_default, True),
    "clone": (
        _cloned,
        [[name for name in ALL if name != "/odd/q?x.jpg"], ["the source", "calls-copy"]],
    ),
    "clone to a dataset": (
        _cloned_into,
        [
            ["/copies/train/a.jpg", "/copies/train/b.jpg", "/copies/train/zero.bin", "/one.jpg"],
            ["bbbbbbb", "1"],
        ],
    ),
    "links": (
        _links,
        [
            ["/apng_link.json", "/b.jpg_link.json"],
            "bbbbbbb",
            "bbbbbbb",
            "https://example.com/a.png",
        ],
    ),
    "a dataset without a driver": (_without_driver, "bytes"),
    "rename a project": (_rename_project, "True"),
}


def all_calls(dl: Any, facts: dict[str, Any]) -> Any:
    """Make a dataset, and make each call of the table; returns what each answered."""
    # It lies beside this file, where the SDK runs.
    dataset = importlib.import_module("scenarios").dataset_of(dl, facts)
    project = dataset.project
    dataset.metadata["user"] = {"team": "vision"}
    dataset.update()
    dl.client_api.gen_request(
        req_type="patch", path=f"/projects/{project.id}", json_req={"defaultDriver": dataset.driver}
    )
    seen = {}
    for name, (call, _) in CALLS.items():
        try:
            seen[name] = call(dl, project, dataset)
        except Exception as error:  # noqa: BLE001  # the table says what it should have been
            seen[name] = f"{type(error).__name__}: {error}"[:500]
    return seen
