"""What lies in a bucket, past Valetkey, and what its index says: the two shall agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2

from support.aws import client
from support.machine import made
from valetkey.embedded import EmbeddedAws

Facts = dict[str, tuple[int, str]]


class Bucket:
    """The bucket, as its owner sees it and changes it behind Valetkey's back."""

    def __init__(self, aws: EmbeddedAws, name: str) -> None:
        self._s3, self._name = client(aws, "s3"), name

    def put(self, paths: list[str], body: bytes) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: self._put(path, body), paths))

    def _put(self, path: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._name, Key=path, Body=body + path.encode())

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            self._s3.delete_object(Bucket=self._name, Key=path)

    def facts(self) -> Facts:
        """Size and etag by path."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name)
        found = [each for page in pages for each in page.get("Contents", ())]
        return {each["Key"]: (each["Size"], each["ETag"].strip('"')) for each in found}

    def bodies(self) -> dict[str, bytes]:
        """Contents by path."""

        def body(path: str) -> bytes:
            found: bytes = self._s3.get_object(Bucket=self._name, Key=path)["Body"].read()
            return found

        paths = list(self.facts())
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(paths, pool.map(body, paths), strict=True))


def indexed(http: httpx2.Client, dataset_id: str) -> Facts:
    """Return what the API lists: size and etag by path."""
    found: Facts = {}
    page, more = 0, True
    while more:
        query = {"filter": {"type": "file"}, "page": page, "pageSize": 1000}
        answer = made(http.post(f"/api/v1/datasets/{dataset_id}/query", json=query))
        for item in answer["items"]:
            facts = item["metadata"]["system"]
            found[item["filename"].removeprefix("/")] = (facts["size"], facts["etag"])
        page, more = page + 1, answer["hasNextPage"]
    return found
