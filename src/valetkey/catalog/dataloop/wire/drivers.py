"""S3 storage drivers, in the shapes of Dataloop's SDK."""

from __future__ import annotations

from typing import Literal

import msgspec

from valetkey.catalog.dataloop.wire.base import In, Out, Tolerant, moment
from valetkey.domain.location import Location, NewLocation


class PayloadIn(Tolerant, frozen=True):
    """Where the objects are. ``region`` may be empty or null: it is found out."""

    bucket_name: str
    storage_class: str | None = None
    region: str | None = None
    path: str | None = None
    endpoint: str | None = None


class SystemIn(Tolerant, frozen=True):
    """The part of the metadata that names the project."""

    project_id: str = ""


class MetadataIn(Tolerant, frozen=True):
    """A driver's metadata."""

    system: SystemIn = msgspec.field(default_factory=SystemIn)


class DriverIn(Tolerant, frozen=True):
    """A new driver. The project stands in ``metadata.system.projectId`` or in ``projectId``; the
    ``type`` is ``s3`` (``storage`` is another word for it)."""

    name: str
    integration_id: str
    payload: PayloadIn
    type: Literal["s3", "storage"] = "s3"
    metadata: MetadataIn = msgspec.field(default_factory=MetadataIn)
    project_id: str = ""
    allow_external_delete: bool = False
    kms_key_arn: str = ""
    shared_sessions: bool = False

    @property
    def project(self) -> str:
        """The project's id."""
        return self.metadata.system.project_id or self.project_id

    @property
    def new(self) -> NewLocation:
        """The driver as the service makes it."""
        return NewLocation(
            name=self.name,
            integration_id=self.integration_id,
            bucket=self.payload.bucket_name,
            folder=self.payload.path or "",
            region=self.payload.region or "",
            endpoint=self.payload.endpoint or "",
            storage_class=self.payload.storage_class or "",
            allow_external_delete=self.allow_external_delete,
            kms_key_arn=self.kms_key_arn,
            shared_sessions=self.shared_sessions,
        )


class DriverChangeIn(In, frozen=True):
    """What to change of a driver; what is left out stays."""

    name: str | None = None
    allow_external_delete: bool | None = None
    kms_key_arn: str | None = None
    shared_sessions: bool | None = None


class SystemOut(Out, frozen=True):
    """The part of the metadata that names the project."""

    project_id: str


class DriverMetadataOut(Out, frozen=True):
    """A driver's metadata."""

    system: SystemOut


class DriverOut(Out, frozen=True):
    """A driver. ``path`` is its folder, empty for the whole bucket."""

    id: str
    name: str
    integration_id: str
    integration_type: str
    bucket_name: str
    region: str
    path: str
    storage_class: str
    endpoint: str
    allow_external_delete: bool
    created_at: str
    updated_at: str
    creator: str
    project_id: str
    metadata: DriverMetadataOut
    type: str = "s3"
    allow_external_modification: bool = True
    kms_key_arn: str = ""
    shared_sessions: bool = False
    #: Where clients find S3: the driver's endpoint, or the server's; empty for AWS's own address.
    client_endpoint: str = ""

    @classmethod
    def of(cls, driver: Location, integration_type: str, *, client_endpoint: str = "") -> DriverOut:
        """Return a driver's shape."""
        return cls(
            id=driver.id,
            name=driver.name,
            integration_id=driver.integration_id,
            integration_type=integration_type,
            bucket_name=driver.bucket,
            region=driver.region,
            path=driver.prefix,
            storage_class=driver.storage_class,
            endpoint=driver.endpoint,
            allow_external_delete=driver.allow_external_delete,
            created_at=moment(driver.created_at),
            updated_at=moment(driver.updated_at),
            creator=driver.creator,
            project_id=driver.project_id,
            metadata=DriverMetadataOut(system=SystemOut(project_id=driver.project_id)),
            kms_key_arn=driver.kms_key_arn,
            shared_sessions=driver.shared_sessions,
            client_endpoint=client_endpoint,
        )


class DriversByProviderOut(Out, frozen=True):
    """A project's drivers by the kind of store."""

    s3: list[DriverOut]
