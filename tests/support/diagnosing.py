"""A set-up that is right in every way, whose parts can be broken one at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from support.aws import REGION, GoodSetup, make_setup
from support.entities import make_integration, make_location
from support.own_aws import OwnAws
from support.setup_aws import JumpingClock
from valetkey.domain.credentials import AccessKey
from valetkey.domain.diagnosis import Names
from valetkey.domain.diagnosis.fixes import access_document
from valetkey.domain.diagnosis.view import Subject
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.verification import Report
from valetkey.embedded import EmbeddedAws, Fault, FaultKind
from valetkey.services.verification import Verifier
from valetkey.testing import SeededEntropy

FOLDER = "train/"
ORIGIN = "https://valetkey.example.com"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
CORS_RULE = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"]}


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return allow(action, resource, **more) | {"Effect": "Deny"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class World:
    """One good set-up among others on the same AWS, and what Valetkey believes of it."""

    aws: EmbeddedAws
    iam: Any
    s3: Any
    setup: GoodSetup
    integration: Integration
    location: Location
    key: AccessKey
    other: dict[str, Any] = field(default_factory=dict)

    @property
    def user_arn(self) -> str:
        return f"arn:aws:iam::000000000000:user/{self.setup.user}"

    @property
    def bucket_arn(self) -> str:
        return f"arn:aws:s3:::{self.setup.bucket}"

    @property
    def objects(self) -> str:
        return f"{self.bucket_arn}/{FOLDER}*"

    @property
    def names(self) -> Names:
        return Names(RoleArn.parse(self.setup.role_arn), self.user_arn, self.setup.bucket, FOLDER)

    @property
    def subject(self) -> Subject:
        """What an administrator is asked to look at."""
        return Subject(
            role=self.integration.role_arn,
            access_key_id=self.key.id,
            bucket=self.location.bucket,
            prefix=self.location.prefix,
            region=self.location.region,
            external_id=self.integration.external_id,
        )

    def user_policy(self, *statements: dict[str, Any], name: str = "assume") -> None:
        self.iam.put_user_policy(
            UserName=self.setup.user, PolicyName=name, PolicyDocument=document(*statements)
        )

    def role_policy(self, *statements: dict[str, Any]) -> None:
        """Put this in the place of what the role may do."""
        self.iam.put_role_policy(
            RoleName=self.setup.role, PolicyName="mine", PolicyDocument=document(*statements)
        )
        self.detach()

    def add_to_role(self, *statements: dict[str, Any]) -> None:
        self.iam.put_role_policy(
            RoleName=self.setup.role, PolicyName="more", PolicyDocument=document(*statements)
        )

    def detach(self) -> None:
        self.iam.detach_role_policy(RoleName=self.setup.role, PolicyArn=self.setup.policy_arn)

    def trust(self, principal: Any, *, action: str = "sts:AssumeRole", **more: Any) -> None:
        statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
        self.iam.update_assume_role_policy(
            RoleName=self.setup.role, PolicyDocument=document(statement)
        )

    def trust_user(self, **more: Any) -> None:
        self.trust({"AWS": self.user_arn}, **more)

    def bucket_policy(self, *statements: dict[str, Any]) -> None:
        public = [{"Principal": "*"} | statement for statement in statements]
        self.s3.put_bucket_policy(Bucket=self.setup.bucket, Policy=document(*public))

    def boundary(self, *statements: dict[str, Any]) -> str:
        name = f"{self.setup.bucket}-boundary"
        made = self.iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))
        return str(made["Policy"]["Arn"])

    def bound_user(self, *statements: dict[str, Any]) -> None:
        self.iam.put_user_permissions_boundary(
            UserName=self.setup.user, PermissionsBoundary=self.boundary(*statements)
        )

    def bound_role(self, *statements: dict[str, Any]) -> None:
        self.iam.put_role_permissions_boundary(
            RoleName=self.setup.role, PermissionsBoundary=self.boundary(*statements)
        )

    def cors(self, **changes: Any) -> None:
        rules = [CORS_RULE | changes]
        self.s3.put_bucket_cors(Bucket=self.setup.bucket, CORSConfiguration={"CORSRules": rules})

    def believe(self, **changes: Any) -> None:
        """Let Valetkey have been told something else."""
        self.integration = replace(self.integration, **changes)

    def drive(self, **changes: Any) -> None:
        self.location = replace(self.location, **changes)

    def fault(
        self,
        service: str,
        action: str,
        code: str,
        message: str,
        *,
        status: int = 403,
        skip: int = 0,
    ) -> None:
        self.aws.faults.order(
            Fault(
                FaultKind.ERROR,
                service,
                action,
                skip=skip,
                times=99,
                code=code,
                message=message,
                status=status,
            )
        )

    async def verify(self, own: OwnAws) -> Report:
        clock = JumpingClock()
        new_id = IdFactory(clock, SeededEntropy(3))
        verifier = Verifier(own.sts, own.stores, clock, new_id, origin=ORIGIN)
        return await verifier.verify(self.integration, self.key, [self.location])


def make_world(aws: EmbeddedAws, name: str, iam: Any, s3: Any) -> World:
    """Make the page's objects, for one folder, with a CORS rule."""
    setup = make_setup(aws, name, iam=iam, s3=s3)
    integration = make_integration(
        at=LONG_AGO,
        id="6" * 24,
        org_id="1" * 24,
        name="aws",
        access_key_id=setup.key.id,
        role_arn=RoleArn.parse(setup.role_arn),
    )
    location = make_location(
        at=LONG_AGO,
        id="7" * 24,
        project_id="2" * 24,
        integration_id=integration.id,
        name="data",
        bucket=setup.bucket,
        prefix=FOLDER,
        region=REGION,
    )
    world = World(aws, iam, s3, setup, integration, location, setup.key)
    iam.create_policy_version(
        PolicyArn=setup.policy_arn,
        PolicyDocument=json.dumps(access_document(world.names)),
        SetAsDefault=True,
    )
    world.cors()
    return world
