"""The rest of the vendor's calls for items, filters, datasets, drivers and integrations.

A table of what is called, and what is expected of it. Each public method of the SDK's repositories
is in one of the two tables, or in :data:`NOT_CALLED` with the reason.
"""

from __future__ import annotations

import importlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[[Any, Any, Any], Any]
NAMES = ["/precious.bin", "/other/d.txt", *(f"/train/{n}" for n in ("a.jpg", "b.jpg", "zero.bin"))]
ALL = sorted([*NAMES, "/train/deep/c.jpg"])
#: Methods of the SDK that are in no table, each with the reason.
NOT_CALLED = {
    "datasets": {
        "platform_url": "an address of Dataloop's web pages",
        "open_in_web": "opens a browser",
        "checkout": "writes a file of the SDK's own",
        "download_annotations": "annotations are outside",
        "upload_annotations": "annotations are outside",
        "set_readonly": "the SDK itself does nothing",
    },
    "items": {
        "set_items_entity": "of the SDK alone",
        "platform_url": "an address of Dataloop's web pages",
        "open_in_web": "opens a browser",
        "task_scores": "tasks are outside",
        "update_status": "tasks are outside",
    },
    "drivers": {},
    "integrations": {
        "create_nfs": "not a store of objects: refused as 'another type' is",
        "create_hostpath": "not a store of objects: refused as 'another type' is",
        "generate_gar_options": "of the SDK alone",
        "generate_docker_hub_options": "of the SDK alone",
        "generate_azure_container_registry_options": "of the SDK alone",
        "generate_ecr_options": "of the SDK alone",
    },
}


def _names(pages: Any) -> list[str]:
    return sorted(item.filename for item in pages.all())


def _refused(call: Call, *, says: str = "") -> Call:
    def tried(dl: Any, project: Any, dataset: Any) -> str:
        try:
            call(dl, project, dataset)
        except dl.exceptions.ExceptionMain as error:
            return "refused" if says in str(error) else str(error)
        return "it worked"

    return tried


def _subsets(_dl: Any, _: Any, dataset: Any) -> list[Any]:
    filters = _dl.Filters(field="dir", values="/train")
    dataset.assign_subset_to_items(subset="train", items_query=filters)
    tagged = _dl.Filters(field="metadata.system.tags.train", values=True)
    seen: list[Any] = [_names(dataset.items.list(filters=tagged))]
    seen.append(len(dataset.get_items_missing_ml_subset()))
    dataset.remove_subset_from_items(items_query=filters)
    seen.append(len(dataset.get_items_missing_ml_subset()))
    dataset.split_ml_subsets(percentages={"train": 50, "validation": 34, "test": 16})
    for name in ("train", "validation", "test"):
        filters = _dl.Filters(field=f"metadata.system.tags.{name}", values=True)
        seen.append(dataset.items.list(filters=filters).items_count)
    item = dataset.items.get(filepath="/train/a.jpg")
    item.assign_subset("test")
    seen.append(dataset.items.get(item_id=item.id).get_current_subset())
    item.remove_subset()
    seen.append(dataset.items.get(item_id=item.id).get_current_subset())
    return seen


def _upload(dataset: Any, name: str, body: bytes = b"bytes") -> Any:
    sent = io.BytesIO(body)
    sent.name = name
    return dataset.items.upload(local_path=sent, remote_path="/mine")


def _deleted_by_each_way(dl: Any, _: Any, dataset: Any) -> list[str]:
    one, _two = _upload(dataset, "1.txt"), _upload(dataset, "2.txt")
    _upload(dataset, "3.txt")
    dataset.items.delete(item_id=one.id)
    dataset.items.delete(filename="/mine/2.txt")
    dataset.items.delete(filters=dl.Filters(field="filename", values="/mine/*"))
    return _names(dataset.items.list(filters=dl.Filters(field="dir", values="/mine")))


def _moved(dl: Any, _: Any, dataset: Any) -> list[str]:
    _upload(dataset, "1.txt")
    dataset.items.get(filepath="/mine/1.txt").move("/mine/moved.txt")
    dataset.items.make_dir(directory="/mine/box")
    filters = dl.Filters(field="name", values="moved.txt")
    dataset.items.move_items(destination="/mine/box", filters=filters)
    found = _names(dataset.items.list(filters=dl.Filters(field="filename", values="/mine/**")))
    dataset.items.delete(filters=dl.Filters(field="filename", values="/mine/**"))
    return found


def _updated(dl: Any, _: Any, dataset: Any) -> list[Any]:
    item = dataset.items.get(filepath="/train/a.jpg")
    item.set_description("a cat")
    item.metadata["user"] = {"n": 1}
    item.update()
    filters = dl.Filters(field="metadata.user.n", values=1)
    dataset.items.update(filters=filters, update_values={"n": 2})
    found = dataset.items.get(item_id=item.id)
    return [found.description, found.metadata["user"]["n"]]


def _downloaded(dl: Any, _: Any, dataset: Any) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        dataset.items.download(
            filters=dl.Filters(field="dir", values="/train"), local_path=folder, overwrite=True
        )
        some = sorted(path.name for path in Path(folder).rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as folder:
        dataset.download_folder(folder_path="/other", local_path=folder)
        other = sorted(path.name for path in Path(folder).rglob("*") if path.is_file())
    return [some, other]


def _datasets_by_each_way(dl: Any, project: Any, dataset: Any) -> list[Any]:
    by_name = project.datasets.get(dataset_name=dataset.name)
    by_id = dl.datasets.get(dataset_id=dataset.id)
    listed = [found.name for found in project.datasets.list(name=dataset.name)]
    by_creator = [found.name for found in project.datasets.list(creator=dl.info()["user_email"])]
    return [by_name.id == by_id.id, listed, dataset.name in by_creator]


def _renamed(_dl: Any, project: Any, dataset: Any) -> list[str]:
    before = dataset.name
    dataset.name = f"{before}-new"
    project.datasets.update(dataset=dataset)
    found = [project.datasets.get(dataset_id=dataset.id).name.removeprefix(before)]
    dataset.name = before
    project.datasets.update(dataset=dataset)
    return found


def _drivers(_dl: Any, project: Any, dataset: Any) -> list[Any]:
    (one,) = [found for found in project.drivers.list() if found.id == dataset.driver]
    by_name, by_id = (
        project.drivers.get(driver_name=one.name),
        project.drivers.get(driver_id=one.id),
    )
    other = project.drivers.create(
        name="calls-driver",
        driver_type=_dl.ExternalStorage.S3,
        integration_id=one.integration_id,
        integration_type=_dl.IntegrationType.AWS_STS,
        bucket_name=one.bucket_name,
        path="other",
    )
    gone = project.drivers.delete(driver_id=other.id, sure=True, really=True)
    return [by_name.id == by_id.id == one.id, other.path, gone, len(project.drivers.list())]


def _integrations(dl: Any, project: Any, _: Any) -> list[Any]:
    repository = project.integrations
    before = len(list(repository.list()))
    made = repository.create(dl.IntegrationType.KEY_VALUE, "a secret", {"key": "k", "value": "v"})
    repository.update(new_name="another name", integrations_id=made.id)
    seen = [repository.get(integrations_id=made.id).name, len(list(repository.list())) - before]
    seen.append(any(found["id"] == made.id for found in map(_plain, repository.list(True))))
    seen.append(repository.delete(integrations_id=made.id, sure=True, really=True))
    return [*seen, len(list(repository.list())) - before]


def _plain(integration: Any) -> dict[str, Any]:
    found: dict[str, Any] = integration if isinstance(integration, dict) else integration.to_json()
    return found


def _compatible(_dl: Any, project: Any, _: Any) -> list[Any]:
    endpoint = _FACTS["endpoint"]
    made = project.integrations.create_s3_compatible_api(
        name="calls-minio", key=_FACTS["key"], secret=_FACTS["secret"], endpoint=endpoint
    )
    driver = project.drivers.create_storage_driver(
        name="calls-minio", integration=made, bucket_name=_FACTS["bucket"]
    )
    found = [driver.bucket_name == _FACTS["bucket"], made.type]
    project.drivers.delete(driver_id=driver.id, sure=True, really=True)
    project.integrations.delete(integrations_id=made.id, sure=True, really=True)
    return found


_FACTS: dict[str, Any] = {}


def _filters(dl: Any, _: Any, dataset: Any) -> list[list[str]]:
    either = dl.Filters()
    either.add(field="name", values="a.jpg", method=dl.FiltersMethod.OR)
    either.add(field="name", values="d.txt", method=dl.FiltersMethod.OR)
    both = dl.Filters()
    both.add(field="dir", values="/train")
    both.add(field="metadata.system.size", values=4, operator=dl.FiltersOperations.GREATER_THAN)
    popped = dl.Filters(field="name", values="nothing")
    popped.pop("name")
    return [_names(dataset.items.list(filters=each)) for each in (either, both, popped)]


#: In this order: the last ones change things.
CALLS: dict[str, tuple[Call, Any]] = {
    "items.get_all_items": (
        lambda _, __, d: sorted(item.filename for item in d.items.get_all_items()),
        ALL,
    ),
    "items.list by page": (
        lambda _, __, d: len(d.items.list(page_offset=1, page_size=4).items),
        2,
    ),
    "filters": (
        _filters,
        [["/other/d.txt", "/train/a.jpg"], ["/train/b.jpg"], ALL],
    ),
    "items.update": (_updated, ["a cat", 2]),
    "items.delete": (_deleted_by_each_way, []),
    "items.move": (_moved, ["/mine/box/moved.txt"]),
    "items.download": (_downloaded, [["a.jpg", "b.jpg", "zero.bin"], ["d.txt"]]),
    "items.get of a folder": (
        lambda _, __, d: d.items.get(filepath="/train", is_dir=True).type,
        "dir",
    ),
    "subsets": (
        _subsets,
        [["/train/a.jpg", "/train/b.jpg", "/train/zero.bin"], 3, 6, 3, 2, 1, "test", None],
    ),
    "datasets": (_datasets_by_each_way, None),
    "datasets.update": (_renamed, ["-new"]),
    "datasets.get of nothing": (
        _refused(lambda _, project, __: project.datasets.get(dataset_name="nothing")),
        "refused",
    ),
    "datasets.merge": (
        _refused(
            lambda _, p, d: p.datasets.merge(
                merge_name="merged", dataset_ids=[d.id], project_ids=p.id
            ),
            says="guide",
        ),
        "refused",
    ),
    "datasets.unlock": (lambda _, p, d: p.datasets.unlock(dataset=d).id == d.id, True),
    "collections": (
        _refused(lambda _, __, d: d.collections.list_all_collections(), says="guide"),
        "refused",
    ),
    "collections.list_unassigned_items": (
        lambda _, __, d: len(d.collections.list_unassigned_items()),
        6,
    ),
    "drivers": (_drivers, [True, "other/", True, 1]),
    "integrations": (_integrations, ["another name", 1, True, True, 0]),
    "an S3-compatible store": (_compatible, [True, "s3"]),
    "integrations of another type": (
        _refused(
            lambda dl, p, _: p.integrations.create(
                dl.IntegrationType.GCS, "gcs", {"key": "", "secret": "", "content": "{}"}
            )
        ),
        "refused",
    ),
}
CALLED = {
    "datasets": {
        *("list", "get", "create", "update", "delete", "sync", "clone", "export"),
        *("directory_tree", "merge", "unlock", "split_ml_subsets", "bulk_update_ml_subset"),
    },
    "items": {
        *("get_all_items", "list", "get", "clone", "delete", "update", "download", "upload"),
        *("make_dir", "move_items"),
    },
    "drivers": {"list", "get", "create", "create_storage_driver", "delete"},
    "integrations": {"create", "create_s3_compatible_api", "update", "get", "list", "delete"},
}


def methods(dl: Any, _: dict[str, Any]) -> Any:
    """Return the public methods of the SDK's repositories."""
    kinds = {
        "datasets": dl.repositories.Datasets,
        "items": dl.repositories.Items,
        "drivers": dl.repositories.Drivers,
        "integrations": dl.repositories.Integrations,
    }
    properties = {"project", "dataset", "datasets", "org"}
    return {
        name: sorted({each for each in vars(kind) if not each.startswith("_")} - properties)
        for name, kind in kinds.items()
    }


def all_calls(dl: Any, facts: dict[str, Any]) -> Any:
    """Make a dataset, and make each call of the table; returns what each answered."""
    # It lies beside this file, where the SDK runs.
    dataset = importlib.import_module("scenarios").dataset_of(dl, facts)
    _FACTS.update(facts)
    seen = {}
    for name, (call, _) in CALLS.items():
        try:
            seen[name] = json.loads(json.dumps(call(dl, dataset.project, dataset)))
        except Exception as error:  # noqa: BLE001  # the table says what it should have been
            seen[name] = f"{type(error).__name__}: {error}"[:500]
    return seen
