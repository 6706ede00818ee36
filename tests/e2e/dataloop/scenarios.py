"""What users do with Dataloop's SDK, as their own scripts would say it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any


def attempt(dl: Any, call: Any) -> dict[str, Any]:
    """Return how the SDK reports a refusal."""
    try:
        call()
    except dl.exceptions.ExceptionMain as error:
        return {"status": error.status_code, "message": error.message}
    return {"status": "", "message": "it worked"}


def dataset_of(dl: Any, facts: dict[str, Any], *, allow_delete: bool = True) -> Any:
    """Make everything from nothing: a project, an integration, a driver, a dataset, a sync."""
    name = facts["name"]
    project = dl.projects.create(project_name=name)
    integration = project.integrations.create(
        integrations_type=dl.IntegrationType("aws-sts"),
        name=f"{name}-sts",
        options={
            "key": facts["key"],
            "secret": facts["secret"],
            "roleArns": facts["role_arn"],
        },
    )
    driver = project.drivers.create(
        name=f"{name}-driver",
        driver_type=dl.ExternalStorage.S3,
        integration_id=integration.id,
        integration_type=dl.IntegrationType("aws-sts"),
        bucket_name=facts["bucket"],
        path=facts.get("path", ""),
        allow_external_delete=allow_delete,
    )
    dataset = project.datasets.create(dataset_name=f"{name}-data", driver=driver)
    dataset.sync()
    return dataset


def logging_in(dl: Any, facts: dict[str, Any]) -> Any:
    """A password, then an API key made with it; a key makes no keys."""
    with_password = dl.info()["user_email"]
    api_key = facts.get("api_key") or dl.client_api.generate_api_key(
        description="a key of the test"
    )
    dl.logout()
    dl.login_api_key(api_key)
    return {
        "password": with_password,
        "api_key": api_key,
        "after": dl.info()["user_email"],
        "projects": [project.name for project in dl.projects.list()],
    }


def reading(dl: Any, facts: dict[str, Any]) -> Any:
    """List, page, filter, find, download; then see what a second sync brings."""
    dataset = dataset_of(dl, facts)
    pages = dataset.items.list(page_size=2)
    walked = [item.filename for page in pages for item in page]
    jpegs = dl.Filters(field="filename", values="/train/**")
    jpegs.sort_by(field="filename", value=dl.FiltersOrderByDirection.DESCENDING)
    found = dataset.items.get(filepath="/train/b.jpg")
    folder = Path(facts["folder"])
    downloaded = dataset.download(local_path=str(folder), overwrite=True)
    single = dataset.items.get(filepath="/train/zero.bin").download(local_path=str(folder / "one"))
    buffer = found.download(save_locally=False)
    return {
        "count": pages.items_count,
        "pages": pages.total_pages_count,
        "walked": walked,
        "descending": [item.filename for item in dataset.items.list(filters=jpegs).all()],
        "in_folder": _filtered(dl, dataset, "dir", "/train"),
        "by_size": _filtered(
            dl, dataset, "metadata.system.size", 4, dl.FiltersOperations.GREATER_THAN
        ),
        "found": {"name": found.name, "dir": found.dir, "size": found.metadata["system"]["size"]},
        "missing": attempt(dl, lambda: dataset.items.get(filepath="/no/such.jpg")),
        "unknown": attempt(dl, lambda: dataset.items.get(item_id="0" * 24)),
        "downloaded": downloaded is not None,
        "zero": Path(str(single)).stat().st_size,
        "buffer": buffer.read().hex(),
        "tree": sorted(dataset.directory_tree.dir_names),
        "dataset": dataset.id,
        "items_count": dataset.project.datasets.get(dataset_id=dataset.id).items_count,
    }


def _filtered(dl: Any, dataset: Any, field: str, values: Any, operator: Any = None) -> list[str]:
    filters = dl.Filters(field=field, values=values, operator=operator)
    return sorted(item.filename for item in dataset.items.list(filters=filters).all())


def syncing_again(dl: Any, facts: dict[str, Any]) -> Any:
    """Sync an existing dataset, and list it."""
    dataset = dl.datasets.get(dataset_id=facts["dataset"])
    dataset.sync()
    changed = dataset.items.get(filepath="/train/a.jpg")
    return {
        "walked": sorted(item.filename for item in dataset.items.list().all()),
        "size": changed.metadata["system"]["size"],
        "buffer": changed.download(save_locally=False).read().hex(),
    }


def writing(dl: Any, facts: dict[str, Any]) -> Any:
    """Upload, overwrite, be refused, write metadata, move."""
    dataset = dataset_of(dl, facts)
    new = _upload(dataset, b"new bytes", "new.txt", item_metadata={"user": {"tag": "first"}})
    again = _upload(dataset, b"other bytes!", "new.txt", overwrite=True)
    kept = dict(again.metadata["user"])
    same = _upload(dataset, b"other bytes!", "new.txt")
    trap = dataset.items.upload(
        local_path=_named(b"short", "precious.bin"), remote_path="/", overwrite=False
    )
    survivor = dataset.items.get(filepath="/precious.bin")
    again.metadata["user"] = {"tag": "second", "score": 0.5}
    updated = again.update()
    written = dict(updated.metadata["user"])
    del updated.metadata["user"]["score"]
    removed = updated.update()
    tagged = dl.Filters(field="metadata.user.tag", values="second")
    dataset.items.update(filters=tagged, update_values={"reviewed": True})
    bulk = dataset.items.get(item_id=new.id)
    dataset.items.make_dir(directory="/sorted")
    dataset.items.move_items(destination="/sorted", filters=tagged)
    moved = dataset.items.get(filepath="/sorted/new.txt")
    large = _upload(dataset, bytes(range(256)) * 4 * 9000, "large.bin")
    return {
        "ids": [new.id, again.id, same.id],
        "kept": kept,
        "sizes": [item.metadata["system"]["size"] for item in (new, again, large)],
        "trap": trap is None or not getattr(trap, "id", None),
        "survivor": survivor.metadata["system"]["size"],
        "updated": written,
        "removed": removed.metadata["user"],
        "bulk": bulk.metadata["user"],
        "moved": [moved.filename, moved.id == new.id],
        "moved_bytes": moved.download(save_locally=False).read().decode(),
        "names": sorted(item.filename for item in dataset.items.list().all()),
    }


def _named(body: bytes, name: str) -> io.BytesIO:
    buffer = io.BytesIO(body)
    buffer.name = name  # how the SDK wants it
    return buffer


def _upload(dataset: Any, body: bytes, name: str, **more: Any) -> Any:
    return dataset.items.upload(local_path=_named(body, name), remote_path="/", **more)


def importing(dl: Any, facts: dict[str, Any]) -> Any:
    """Index objects by their names, without a sync."""
    project = dl.projects.create(project_name=facts["name"])
    driver = _driver(dl, project, facts)
    dataset = project.datasets.create(dataset_name="imported", driver=driver)
    by_folder = dataset.items.upload(local_path="external://train/a.jpg")
    by_bucket = dataset.items.upload(local_path=f"external://{facts['bucket']}/train/b.jpg")
    return {
        "names": sorted([by_folder.filename, by_bucket.filename]),
        "listed": sorted(item.filename for item in dataset.items.list().all()),
    }


def _driver(dl: Any, project: Any, facts: dict[str, Any], **more: Any) -> Any:
    integration = project.integrations.create(
        integrations_type=dl.IntegrationType("aws-sts"),
        name=f"{facts['name']}-sts",
        options={key: facts[key] for key in ("key", "secret")} | {"roleArns": facts["role_arn"]},
    )
    return project.drivers.create(
        name=f"{facts['name']}-driver",
        driver_type=dl.ExternalStorage.S3,
        integration_id=integration.id,
        integration_type=dl.IntegrationType("aws-sts"),
        bucket_name=facts["bucket"],
        **more,
    )


def deleting(dl: Any, facts: dict[str, Any]) -> Any:
    """Delete an item, with or without its object; then everything else, in and out of order."""
    dataset = dataset_of(dl, facts, allow_delete=facts["allow_delete"])
    project, driver_id = dataset.project, dataset.driver
    dataset.items.delete(filename="/train/a.jpg")
    dataset.items.delete(filters=dl.Filters(field="filename", values="/train/b.jpg"))
    left = sorted(item.filename for item in dataset.items.list().all())
    malformed = attempt(dl, lambda: dataset.items.delete(item_id="not-an-id"))
    driver = project.drivers.get(driver_id=driver_id)
    in_use = attempt(dl, lambda: driver.delete(sure=True, really=True))
    project.datasets.delete(dataset_id=dataset.id, sure=True, really=True)
    gone = attempt(dl, lambda: project.datasets.get(dataset_id=dataset.id))
    deleted = driver.delete(sure=True, really=True)
    integrations = [found["name"] for found in project.integrations.list()]
    project.integrations.delete(integrations_id=driver.integration_id, sure=True, really=True)
    return {
        "left": left,
        "malformed": malformed,
        "in_use": in_use,
        "gone": gone,
        "deleted": deleted,
        "integrations": integrations,
        "drivers": [found.name for found in project.drivers.list()],
        "project": project.delete(sure=True, really=True),
    }


def going_wrong(dl: Any, facts: dict[str, Any]) -> Any:
    """Names taken, names that can't be, ids that are none, a role that is denied."""
    dataset = dataset_of(dl, facts)
    project = dataset.project
    other = project.datasets.create(dataset_name="other", driver_id=dataset.driver)
    other.name = dataset.name
    return {
        "project": attempt(dl, lambda: dl.projects.create(project_name=project.name)),
        "illegal": attempt(dl, lambda: dl.projects.create(project_name="a\x07b")),
        "dataset": attempt(
            dl, lambda: project.datasets.create(dataset_name=dataset.name, driver_id=dataset.driver)
        ),
        "renamed": attempt(dl, other.update),
        "malformed": attempt(dl, lambda: project.datasets.get(dataset_id="nonsense")),
        "unknown": attempt(dl, lambda: project.datasets.get(dataset_id="0" * 24)),
        "by_name": attempt(dl, lambda: project.datasets.get(dataset_name="nothing")),
        "listed": sorted(found.name for found in project.datasets.list()),
        "key_value": attempt(dl, lambda: _key_value(dl, project, {"provider": "x", "other": 1})),
        "kept": _key_value(dl, project, {"provider": "aws", "ref": "r"}).metadata,
    }


def _key_value(dl: Any, project: Any, metadata: dict[str, Any]) -> Any:
    return project.integrations.create(
        integrations_type=dl.IntegrationType("key_value"),
        name="secret of an app",
        options={"key": "token", "value": "hidden-value"},
        metadata=metadata,
    )


def as_a_member(dl: Any, facts: dict[str, Any]) -> Any:
    """What somebody with a lesser role is told."""
    dataset = dl.datasets.get(dataset_id=facts["dataset"])
    project = dl.projects.get(project_id=facts["project"])
    return {
        "sync": attempt(dl, dataset.sync),
        "upload": dataset.items.upload(local_path=_named(b"x", "x.bin"), remote_path="/") is None,
        "drivers": attempt(dl, project.drivers.list),
        "integrations": attempt(dl, project.integrations.list),
        "reads": sorted(item.filename for item in dataset.items.list().all()),
    }


def syncing_refused(dl: Any, facts: dict[str, Any]) -> Any:
    """A sync whose role has been denied meanwhile."""
    return attempt(dl, dl.datasets.get(dataset_id=facts["dataset"]).sync)


def downloading_oddly(dl: Any, facts: dict[str, Any]) -> Any:
    """Download a dataset whose keys and encodings are odd, into a folder of its own."""
    dataset = dataset_of(dl, facts)
    folder = Path(facts["folder"])
    dataset.download(local_path=str(folder), overwrite=True)
    outside = [path for path in folder.parent.rglob("*") if folder not in (path, *path.parents)]
    zipped = dataset.items.get(filepath="/zipped.txt")
    return {
        "inside": sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
        ),
        "outside": sorted(str(path) for path in outside if path.name in facts["bodies"]),
        "zipped": (zipped.download(save_locally=False) or io.BytesIO()).read().hex(),
        "size": zipped.metadata["system"]["size"],
    }


def uploading_oddly(dl: Any, facts: dict[str, Any]) -> Any:
    """Upload files under odd names into odd folders; find, get, fetch, move and delete them."""
    dataset, seen = dataset_of(dl, facts), {}
    for odd in facts["odd"]:
        body = io.BytesIO(odd.encode())
        body.name = "any"
        dataset.items.upload(local_path=body, remote_path=f"/in {odd}", remote_name=odd)
        item = dataset.items.get(filepath=f"/in {odd}/{odd}")
        by_folder = dl.Filters(field="dir", values=f"/in {odd}")
        listed = [found.filename for found in dataset.items.list(filters=by_folder).all()]
        fetched = (item.download(save_locally=False) or io.BytesIO()).read().decode()
        item.move(f"/to {odd}/{odd}")
        moved = dataset.items.get(filepath=f"/to {odd}/{odd}")
        again = (moved.download(save_locally=False) or io.BytesIO()).read().decode()
        seen[odd] = [item.name, listed, fetched, again, moved.id == item.id]
    tree = sorted(dataset.directory_tree.dir_names)
    deleted = [
        dataset.items.delete(filename=f"/to {odd}/{odd}") for odd in facts["odd"] if "*" not in odd
    ]
    return {"seen": seen, "tree": tree, "deleted": deleted}
