"""What the server, the driver beside it and the nodes of a cluster tell one another.

They go as JSON: over pipes between server and driver, as bytes in a task's arguments to a node.
None of them shows what it holds, as some hold secrets.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import StorageUnavailable, ValetkeyError
from valetkey.domain.ports import BucketPlace
from valetkey.domain.secret import Secret


class Message(msgspec.Struct, frozen=True, tag=True):
    """What one tells another; its text is its kind alone."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Store(Message, frozen=True):
    """How a node reaches S3."""

    endpoint: str
    region: str
    connect_timeout: float
    read_timeout: float
    allowed_hosts: tuple[str, ...]

    @classmethod
    def of(cls, aws: AwsSettings) -> Store:
        """Return what a node needs to know of the server's settings: no key is among it."""
        return cls(
            aws.s3_endpoint, aws.region, aws.connect_timeout, aws.read_timeout, aws.allowed_hosts
        )

    @property
    def settings(self) -> AwsSettings:
        return AwsSettings(
            s3_endpoint=self.endpoint,
            region=self.region,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            allowed_hosts=self.allowed_hosts,
        )


class TaskSetup(Message, frozen=True):
    """What all of a sync's tasks have in common. ``insecure``: a cluster without a token will
    do."""

    address: str
    database: str
    version: str
    schema: str
    store: Store
    insecure: bool = False


class NodeSession(Message, frozen=True):
    """Temporary credentials on their way to a node."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime

    @classmethod
    def of(cls, credentials: TemporaryCredentials) -> NodeSession:
        return cls(
            credentials.access_key_id,
            credentials.secret_access_key.reveal(),
            credentials.session_token.reveal(),
            credentials.expires_at,
        )

    @property
    def credentials(self) -> TemporaryCredentials:
        return TemporaryCredentials(
            self.access_key_id,
            Secret(self.secret_access_key),
            Secret(self.session_token),
            self.expires_at,
        )


class Order(Message, frozen=True):
    """Work one shard off. ``id`` is the owner's name on its lease: no two orders have the same, so
    that one that was given up can't go on beside the next."""

    id: str
    shard_id: str
    dataset_id: str
    creator: str
    place: BucketPlace
    prefix: str
    session: NodeSession


class ClusterReady(Message, frozen=True):
    """The cluster is there, and so many nodes can do the work."""

    nodes: int


class Node(Message, frozen=True):
    """What a node says of itself; ``problem`` is why it can't do the work."""

    host: str
    version: str
    token: bool
    schema: str = ""
    problem: str = ""


class OrderOutcome(Message, frozen=True):
    """How an order ended, or (without an id) why none can be given.

    ``done``; ``held``: somebody else has the shard; ``unordered``: the store lists out of order;
    ``ending``: its session was about to end; ``lost``: its worker or node is gone; ``failed``.
    """

    id: str
    kind: Literal["done", "held", "unordered", "ending", "lost", "failed"]
    code: str = ""
    message: str = ""
    hint: str = ""
    details: dict[str, Any] = {}
    traceback: str = ""

    @classmethod
    def of(cls, order_id: str, error: ValetkeyError) -> OrderOutcome:
        return cls(order_id, "failed", error.code, error.message, error.hint, dict(error.details))

    @property
    def error(self) -> ValetkeyError:
        """What failed, as it was raised; a database that is away is told apart."""
        kind = StorageUnavailable if self.code == StorageUnavailable.code else ValetkeyError
        return kind(self.message, hint=self.hint, code=self.code, **self.details)


ToDriver = TaskSetup | Order
FromDriver = ClusterReady | OrderOutcome


def encode(message: Message) -> bytes:
    """Return a line."""
    return msgspec.json.encode(message) + b"\n"
