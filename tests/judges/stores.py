"""The stores that are tried: each a context in which it runs, made ready as its owner would.

Each has a bucket, objects in and beside the folder ``train/``, and a way in for Valetkey: a user
who may assume a role where the store has AssumeRole, else a user's own key.
"""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from judges.programs import GoProgram, answers, free_port, running
from support.aws import make_setup
from valetkey.embedded import EmbeddedAws

BUCKET: Final = "acme-data"
REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
USER: Final = "valetkey"
ROLE: Final = "valetkey-role"
VERSITYGW: Final = GoProgram(
    "github.com/versity/versitygw", "v1.8.0", "./cmd/versitygw", "versitygw"
)
SEAWEEDFS: Final = GoProgram(
    "github.com/seaweedfs/seaweedfs",
    "v0.0.0-20261109003541-7506e5f91cd6",
    "./weed",
    "weed",
)
#: What the role, or the user, may do in the bucket: what the setup's policy grants.
ACTIONS: Final = (
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A running store. ``integration`` is the body that registers it with Valetkey."""

    name: str
    version: str
    endpoint: str
    integration: Mapping[str, Any]
    admin: Any
    bucket: str = BUCKET
    region: str = REGION
    iam_endpoint: str = ""
    sts_endpoint: str = ""
    #: What is known of the store beforehand, in a sentence.
    about: str = ""
    #: Credentials of an administrator, for revocation and rotation.
    administrator: Mapping[str, str] = field(default_factory=dict)


Opener = Callable[[], AbstractContextManager[Store]]


def client(service: str, endpoint: str, key: str, secret: str) -> Any:
    """Return a boto3 client of a store. It retries nothing."""
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def policy(*actions: str, resources: tuple[str, ...]) -> dict[str, Any]:
    """Return a policy that allows actions on resources."""
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def bucket_policy() -> dict[str, Any]:
    """Return the policy for the bucket and its objects."""
    resources = (f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*")
    return policy(*ACTIONS, resources=resources)


@contextmanager
def ministack() -> Iterator[Store]:
    """The embedded AWS, which the tests use: the same journey over it is the yardstick."""
    with EmbeddedAws() as aws:
        setup = make_setup(aws, BUCKET)
        admin = client("s3", aws.endpoint, aws.administrator.id, aws.administrator.secret.reveal())
        options = {
            "key": setup.key.id,
            "secret": setup.key.secret.reveal(),
            "roleArns": setup.role_arn,
        }
        yield Store(
            name="MiniStack",
            version="1.5.33",
            endpoint=aws.endpoint,
            sts_endpoint=aws.endpoint,
            iam_endpoint=aws.endpoint,
            region="eu-central-1",
            integration={"type": "aws-sts", "name": "store", "options": options},
            admin=admin,
            about="the embedded AWS of the demo and the tests, behind its guard",
            administrator={
                "key": aws.administrator.id,
                "secret": aws.administrator.secret.reveal(),
            },
        )


@contextmanager
def versitygw() -> Iterator[Store]:
    """versitygw over a folder, with its IAM service. It has no AssumeRole: a user's key is used."""
    program = VERSITYGW.build()
    root = {"ROOT_ACCESS_KEY": "rootaccess", "ROOT_SECRET_KEY": secrets.token_hex(20)}
    iam_url, gateway_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with tempfile.TemporaryDirectory(prefix="versitygw-") as made:
        folder = Path(made)
        for name in ("iam", "data"):
            (folder / name).mkdir()
        door = str(folder / "iam.sock")
        iam = [str(program), "--port", iam_url.removeprefix("http://"), "--quiet"]
        iam += ["iam", "--dir", str(folder / "iam"), "--private-ports", door]
        gateway = [str(program), "--port", gateway_url.removeprefix("http://"), "--quiet"]
        gateway += ["--region", REGION, "--iam-standalone-endpoint", door]
        gateway += ["posix", str(folder / "data")]
        with (
            running(iam, folder, ready=answers(iam_url), environment=root),
            running(gateway, folder, ready=answers(gateway_url), environment=root),
        ):
            yield _versitygw(iam_url, gateway_url, *root.values())


def _versitygw(iam_url: str, gateway_url: str, key: str, secret: str) -> Store:
    iam, admin = client("iam", iam_url, key, secret), client("s3", gateway_url, key, secret)
    admin.create_bucket(Bucket=BUCKET)
    iam.create_user(UserName=USER)
    iam.put_user_policy(
        UserName=USER, PolicyName="bucket", PolicyDocument=json.dumps(bucket_policy())
    )
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    options = {
        "key": made["AccessKeyId"],
        "secret": made["SecretAccessKey"],
        "endpoint": gateway_url,
    }
    return Store(
        name="versitygw",
        version=VERSITYGW.version.removeprefix("v"),
        endpoint=gateway_url,
        integration={"type": "s3", "name": "store", "options": options},
        admin=admin,
        about="over a folder (posix), with its own IAM service; it has no AssumeRole, so that "
        "a user's key serves Valetkey's catalog and there are no sessions to hand out",
    )


@contextmanager
def seaweedfs() -> Iterator[Store]:
    """SeaweedFS with its STS: a role, and a user whom it trusts."""
    program = SEAWEEDFS.build()
    keys = {
        name: (f"AKIA{secrets.token_hex(8).upper()}", secrets.token_hex(20))
        for name in ("admin", USER)
    }
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as made:
        folder = Path(made)
        config = folder / "iam.json"
        config.write_text(json.dumps(_seaweedfs_config(keys)))
        ports = {
            name: free_port()
            for kind in ("master", "volume", "filer", "s3")
            for name in (f"{kind}.port", f"{kind}.port.grpc")
        }
        command = [str(program), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += [f"-dir={folder}", f"-s3.config={config}", f"-s3.iam.config={config}"]
        command += [
            "-master.telemetry=false",
            "-s3.iam.readOnly=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]
        command += ["-master.volumeSizeLimitMB=64", "-volume.max=64"]
        command += [f"-{name}={port}" for name, port in ports.items()]
        endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        with running(command, folder, ready=answers(endpoint)):
            yield _seaweedfs(endpoint, keys)


def _seaweedfs(endpoint: str, keys: Mapping[str, tuple[str, str]]) -> Store:
    admin = client("s3", endpoint, *keys["admin"])
    admin.create_bucket(Bucket=BUCKET)
    key, secret = keys[USER]
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    return Store(
        name="SeaweedFS",
        version="4.53",
        endpoint=endpoint,
        sts_endpoint=endpoint,
        iam_endpoint=endpoint,
        integration={
            "type": "aws-sts",
            "name": "store",
            "options": {"key": key, "secret": secret, "roleArns": role_arn},
        },
        admin=admin,
        about="one process (`weed server -s3`), its role in the IAM configuration file; sessions "
        "of a role that is deleted at the store are refused at once, those of one that loses its "
        "policy are not (seen by hand)",
        administrator=dict(zip(("key", "secret"), keys["admin"], strict=True)),
    )


def _seaweedfs_config(keys: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    def identity(name: str, *actions: str) -> dict[str, Any]:
        key, secret = keys[name]
        credentials = [{"accessKey": key, "secretKey": secret}]
        return {"name": name, "credentials": credentials, "actions": list(actions)}

    trust = policy("sts:AssumeRole", resources=())
    [statement] = trust["Statement"]
    del statement["Resource"]
    statement["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{USER}"}
    return {
        "identities": [
            identity("admin", "Admin", "Read", "Write", "List", "Tagging"),
            identity(USER),
        ],
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "seaweedfs-sts",
            "signingKey": base64.b64encode(secrets.token_bytes(32)).decode(),
            "accountId": ACCOUNT,
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "policies": [{"name": "bucket", "document": bucket_policy()}],
        "roles": [
            {
                "roleName": ROLE,
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
                "attachedPolicies": ["bucket"],
                "trustPolicy": trust,
            }
        ],
    }


STORES: Final[Mapping[str, Opener]] = {
    "ministack": ministack,
    "versitygw": versitygw,
    "seaweedfs": seaweedfs,
}
