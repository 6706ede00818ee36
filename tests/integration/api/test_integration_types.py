"""Each type of integration, over the API and against an AWS that enforces trust policies."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.aws import GoodSetup, assume_policy, client, make_setup
from support.real_api import RealApi, open_real_api, settings_for
from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws


def _server_identity(aws: EmbeddedAws) -> AccessKey:
    """The server's own user, who may assume any role that lets it."""
    iam = client(aws, "iam")
    iam.create_user(UserName="valetkey-server")
    iam.put_user_policy(
        UserName="valetkey-server", PolicyName="assume", PolicyDocument=assume_policy("*")
    )
    made = iam.create_access_key(UserName="valetkey-server")["AccessKey"]
    return AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))


def _trust(aws: EmbeddedAws, role: str, condition: dict[str, Any]) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/valetkey-server"},
        "Action": "sts:AssumeRole",
        **condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client(aws, "iam").update_assume_role_policy(RoleName=role, PolicyDocument=document)


@asynccontextmanager
async def _api_with_identity(aws: EmbeddedAws, folder: Path) -> AsyncIterator[RealApi]:
    own = _server_identity(aws)
    settings = settings_for(
        folder,
        aws.endpoint,
        own_access_key_id=own.id,
        own_secret_access_key=own.secret,
        allowed_endpoint_hosts=("127.0.0.1",),
    )
    async with open_real_api(settings) as api:
        yield api


async def _register(api: RealApi, kind: str, options: Any, **more: Any) -> httpx2.Response:
    body = {"type": kind, "name": f"an {kind}", "options": options, **more}
    return await api.http.post(f"/api/v1/orgs/{api.org_id}/integrations", json=body)


async def _enter_role(api: RealApi, integration_id: str, role_arn: str) -> Any:
    body = {
        "integrationId": integration_id,
        "credentials": {"options": {"roleArn": role_arn}, "type": "aws-cross"},
    }
    answer = await api.http.patch(f"/api/v1/orgs/{api.org_id}/integrations", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _assert_a_dataset_works(api: RealApi, location_id: str) -> None:
    """Upload through the location, index what is in its bucket, find it and read it back."""
    wanted = {"name": "of-a-type", "projects": [api.project_id], "driver": location_id}
    dataset = (await api.http.post("/api/v1/datasets", json=wanted)).json()["id"]
    sent = await api.http.post(
        f"/api/v1/datasets/{dataset}/items",
        data={"path": "/a/b.txt"},
        files={"file": ("b.txt", b"whose key was it?")},
    )
    assert sent.status_code == 201, sent.text
    ordered = await api.http.post(f"/api/v1/datasets/{dataset}/sync")
    assert ordered.is_success, ordered.text
    command = ordered
    while command.json()["status"] in {"created", "in-progress"}:
        command = await api.http.get(f"/api/v1/commands/{ordered.json()['id']}")
    assert command.json()["status"] == "success", command.text
    page = (await api.http.post(f"/api/v1/datasets/{dataset}/query", json={})).json()
    [item] = page["items"]
    assert item["filename"] == "/a/b.txt"
    sent_to = await api.http.get(f"/api/v1/items/{item['id']}/stream")
    assert sent_to.status_code == 302
    async with httpx2.AsyncClient() as s3:
        assert (await s3.get(sent_to.headers["location"])).content == b"whose key was it?"
    proxied = await api.http.get(f"/api/v1/items/{item['id']}/stream", params={"proxy": True})
    assert proxied.content == b"whose key was it?"


async def test_a_cross_integration_needs_no_key_and_vends_once_the_role_trusts_the_server(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path
) -> None:
    async with _api_with_identity(embedded_aws, tmp_path) as api:
        made = (await _register(api, "aws-cross", {})).json()
        external_id = made["externalId"]
        assert made["state"] == "created"
        assert {"name": "externalId", "value": external_id} in made["metadata"]
        before = await api.create_driver(made["id"], good_setup.bucket)
        assert (before.status_code, external_id in before.json()["hint"]) == (409, True)

        waiting = await _enter_role(api, made["id"], good_setup.role_arn)
        assert waiting["state"] == "failing"

        condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}}
        _trust(embedded_aws, good_setup.role, condition)
        trusted = await _enter_role(api, made["id"], good_setup.role_arn)
        assert trusted["state"] == "verified", trusted["report"]
        claims = {check["name"]: check["outcome"] for check in trusted["report"]["checks"]}
        assert claims["external-id"] == "passed"

        location = (await api.create_driver(made["id"], good_setup.bucket)).json()
        assert location["integrationType"] == "aws-cross"
        vended = await api.vend(location["id"])
        assert vended.status_code == 200, vended.text
        reader = client(
            embedded_aws,
            "s3",
            AccessKey(vended.json()["accessKeyId"], Secret(vended.json()["secretAccessKey"])),
            vended.json()["sessionToken"],
        )
        assert reader.list_objects_v2(Bucket=good_setup.bucket)["KeyCount"] == 0
        await _assert_a_dataset_works(api, location["id"])


async def test_a_role_that_lets_itself_be_assumed_without_the_external_id_is_not_accepted(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path
) -> None:
    async with _api_with_identity(embedded_aws, tmp_path) as api:
        made = (await _register(api, "aws-cross", {})).json()
        _trust(embedded_aws, good_setup.role, {})
        careless = await _enter_role(api, made["id"], good_setup.role_arn)
        assert careless["state"] == "failing"
        [failed] = [c for c in careless["report"]["checks"] if c["outcome"] == "failed"]
        assert failed["name"] == "external-id"
        assert "without the external id" in failed["cause"]


async def test_a_static_key_opens_a_store_with_an_endpoint_and_is_never_vended(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path
) -> None:
    keeper = _key_that_may_all(embedded_aws)
    async with _api_with_identity(embedded_aws, tmp_path) as api:
        made = await _register(
            api,
            "s3",
            {"key": keeper.id, "secret": keeper.secret.reveal()},
            metadata={"endpoint": embedded_aws.endpoint, "provider": "self-managed"},
        )
        assert made.json()["endpoint"] == embedded_aws.endpoint
        location = (await api.create_driver(made.json()["id"], good_setup.bucket)).json()
        assert (location["integrationType"], location["endpoint"]) == ("s3", embedded_aws.endpoint)
        report = (await api.http.get(f"/api/v1/drivers/{location['id']}/test")).json()
        assert report["passed"], report
        refused = await api.vend(location["id"])
        assert refused.status_code == 409
        assert "no role to assume" in refused.json()["error"]["message"]
        await _assert_a_dataset_works(api, location["id"])


def _key_that_may_all(aws: EmbeddedAws) -> AccessKey:
    iam = client(aws, "iam")
    iam.create_user(UserName="keeper")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="keeper", PolicyName="all", PolicyDocument=document)
    made = iam.create_access_key(UserName="keeper")["AccessKey"]
    return AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))


async def test_a_named_secret_is_kept_sealed_and_opens_no_bucket(
    embedded_aws: EmbeddedAws, tmp_path: Path
) -> None:
    async with _api_with_identity(embedded_aws, tmp_path) as api:
        options = {"key": "token", "value": "hidden-value-of-the-test"}
        made = await _register(
            api, "key_value", options, metadata={"provider": "aws", "ref": "a/b"}
        )
        assert made.status_code == 201
        assert "hidden-value" not in made.text
        facts = {fact["name"]: fact["value"] for fact in made.json()["metadata"]}
        assert (facts["provider"], facts["ref"]) == ("aws", "a/b")
        refused = await api.create_driver(made.json()["id"], "some-bucket")
        assert refused.status_code == 409
    database = (tmp_path / "valetkey.db").read_bytes()
    assert b"hidden-value" not in database


@pytest.mark.parametrize(
    ("kind", "options", "more", "says"),
    [
        ("key_value", {"key": "a", "value": "b"}, {"metadata": {"other": "x"}}, "Invalid metadata"),
        ("key_value", {"key": "a", "value": ""}, {}, "value is empty"),
        ("key_value", {"key": "a b", "value": "c"}, {}, "can't name a secret"),
        ("aws-cross", {"key": "AKIAIOSFODNN7EXAMPLE", "secret": "x" * 40}, {}, "has no key"),
        ("aws-cross", {"roleArn": "nonsense"}, {}, "not the ARN"),
        ("s3", {"key": "a b", "secret": "c"}, {}, "white space"),
        ("s3", {"key": "a", "secret": ""}, {}, "empty"),
        ("s3", {"key": "a", "secret": "b", "endpoint": "ftp://x"}, {}, ""),
        ("gcs", {}, {}, "not a type"),
        ("aws-sts", {}, {}, ""),
    ],
)
async def test_what_can_not_be_right_is_refused_with_the_reason(
    embedded_aws: EmbeddedAws,
    tmp_path: Path,
    kind: str,
    options: Any,
    more: dict[str, Any],
    says: str,
) -> None:
    async with _api_with_identity(embedded_aws, tmp_path) as api:
        answer = await _register(api, kind, options, **more)
        assert answer.status_code == 400
        assert says in answer.json()["message"]
        assert answer.json()["hint"]


async def test_a_server_without_an_identity_says_what_to_do(
    embedded_aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = make_setup(embedded_aws, "without-identity")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    nowhere = str(tmp_path / "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
    monkeypatch.setenv("AWS_CONFIG_FILE", nowhere)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with open_real_api(settings_for(tmp_path / "data", embedded_aws.endpoint)) as api:
        made = (await _register(api, "aws-cross", {})).json()
        told = await _enter_role(api, made["id"], setup.role_arn)
        [first, *_] = [c for c in told["report"]["checks"] if c["outcome"] == "failed"]
        assert "no identity" in first["cause"]
        assert "own_access_key_id" in first["fix"]
