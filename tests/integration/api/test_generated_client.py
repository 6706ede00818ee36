"""A client that openapi-python-client generates from the description: without a warning, and it
vends, uploads and reads. The generator has an environment of its own, which ``make test`` makes."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.commands import ROOT
from support.fuzzed import Served, serving_doubles

TOOLS = ROOT / ".tools" / "openapi" / "bin"
GENERATOR = TOOLS / "openapi-python-client"


def _require() -> None:
    if not GENERATOR.exists():
        if os.environ.get("VALETKEY_REQUIRE_OPENAPI"):
            pytest.fail(f"{GENERATOR} is not there: make test")
        pytest.skip("the generator is not installed: make test")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    _require()
    folder = tmp_path_factory.mktemp("generated")
    command = [str(GENERATOR), "generate", "--path", "docs/reference/openapi.json"]
    command += ["--config", "tools/openapi-client.yaml"]
    command += ["--meta", "none", "--output-path", str(folder / "own_client")]
    path = f"{TOOLS}:{Path(sys.executable).parent}:{os.environ['PATH']}"  # it formats with ruff
    ran = subprocess.run(  # noqa: S603  # our own words
        command,
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "warning" not in said.lower(), said
    sys.path.insert(0, str(folder))
    yield importlib.import_module("own_client")
    sys.path.remove(str(folder))


def test_the_description_is_an_openapi_document() -> None:
    _require()
    command = [str(TOOLS / "openapi-spec-validator"), "docs/reference/openapi.json"]
    ran = subprocess.run(  # noqa: S603  # our own words
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_doubles() as found:
        yield found


def _called(name: str, client: Any, **how: Any) -> Any:
    """Call an operation's function of the generated client."""
    module = importlib.import_module(f"own_client.api.{name}")
    return module.sync_detailed(client=client, **how)


def test_its_client_vends_lists_and_is_refused_in_words(client: ModuleType, served: Served) -> None:
    token = served.headers["Authorization"].removeprefix("Bearer ")
    models: Any = importlib.import_module("own_client.models")
    mine = client.AuthenticatedClient(
        base_url=served.url,
        token=token,
        timeout=importlib.import_module("httpx").Timeout(30),  # what it is generated for
        raise_on_unexpected_status=True,
    )
    with mine:
        _use(mine, models, served.known["locationId"])


def _use(mine: Any, models: Any, location_id: str) -> None:
    wanted = models.CredentialsRequest.from_dict({"prefixes": ["a"], "access": ["list", "read"]})
    vended = _called(
        "credentials.create_credentials", mine, location_id=location_id, body=wanted
    ).parsed
    assert (vended.prefixes, vended.location_id) == (["train/a/"], location_id)
    assert vended.secret_access_key
    named = models.NamedCredentialsRequest.from_dict(wanted.to_dict() | {"location": "data"})
    by_name = _called("credentials.create_credentials_by_name", mine, body=named).parsed
    assert by_name.lease_id == vended.lease_id
    leases = _called("leases.list_leases", mine, active=True).parsed
    assert [lease.id for lease in leases.items] == [vended.lease_id]
    keys = models.PresignRequest.from_dict({"keys": ["train/a/1.jpg"]})
    urls = _called("credentials.presign", mine, location_id=location_id, body=keys).parsed
    assert urls.items[0].url.startswith("https://")
    _use_content(mine, location_id)
    refused = _called("locations.get_location", mine, location_id="f" * 24)
    assert (refused.status_code, refused.parsed.error.code) == (404, "not_found")


def _use_content(mine: Any, location_id: str) -> None:
    """Upload an object and read it: what is no JSON goes through as it is."""
    types: Any = importlib.import_module("own_client.types")
    models: Any = importlib.import_module("own_client.models")
    where = _called("locations.get_location", mine, location_id=location_id).parsed
    new = models.NewDataset.from_dict(
        {"name": "own", "projectId": where.project_id, "locationId": location_id}
    )
    dataset = _called("datasets.create_dataset", mine, body=new).parsed
    content = types.File(payload=io.BytesIO(b"0123456789"))
    entry = _called(
        "objects.put_object", mine, dataset_id=dataset.id, path="b/1.txt", body=content
    ).parsed
    assert (entry.path, entry.size) == ("b/1.txt", 10)
    read = _called("objects.read_object", mine, object_id=entry.id, redirect=False)
    assert read.parsed.payload.read() == b"0123456789"
