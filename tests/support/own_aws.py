"""Valetkey's own AWS adapters, wired to the embedded AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from support.aws import REGION, GoodSetup
from valetkey.aws.clients import Clients
from valetkey.aws.s3 import BotoObjectStores
from valetkey.aws.settings import AwsSettings
from valetkey.aws.sts import BotoSts
from valetkey.domain.integration import RoleArn
from valetkey.domain.ports import AssumeRole
from valetkey.embedded import EmbeddedAws
from valetkey.system import SystemClock, SystemEntropy


@dataclass(frozen=True)
class OwnAws:
    """The adapters, and the settings that they were made with."""

    settings: AwsSettings
    clients: Clients
    sts: BotoSts
    stores: BotoObjectStores


MakeOwnAws = Callable[[AwsSettings], OwnAws]


def settings_for(endpoint: str) -> AwsSettings:
    """Settings that lead to one endpoint, without retries and with little patience."""
    return AwsSettings(
        sts_endpoint=endpoint,
        iam_endpoint=endpoint,
        s3_endpoint=endpoint,
        region=REGION,
        connect_timeout=5,
        read_timeout=5,
        attempts=1,
        threads=8,
    )


@pytest.fixture
def make_own_aws() -> Iterator[MakeOwnAws]:
    """Makes adapters from settings and closes them after the test."""
    made: list[Clients] = []

    def make(settings: AwsSettings) -> OwnAws:
        clients = Clients(settings)
        made.append(clients)
        return OwnAws(
            settings,
            clients,
            BotoSts(clients, SystemClock(), SystemEntropy()),
            BotoObjectStores(clients),
        )

    yield make
    for clients in made:
        clients.close()


@pytest.fixture
def own_aws(embedded_aws: EmbeddedAws, make_own_aws: MakeOwnAws) -> OwnAws:
    """The adapters, wired to the embedded AWS."""
    return make_own_aws(settings_for(embedded_aws.endpoint))


def order_for(setup: GoodSetup, **changes: object) -> AssumeRole:
    """The plainest order that the good set-up grants, with changes."""
    plain = AssumeRole(RoleArn.parse(setup.role_arn), "ada", timedelta(seconds=900))
    return replace(plain, **changes)  # type: ignore[arg-type]
