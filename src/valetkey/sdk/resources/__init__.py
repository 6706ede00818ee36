"""Every noun of the API. Generated: ``python -m valetkey.wire.library``."""

from __future__ import annotations

from valetkey.sdk.resources.accounts import Accounts, AsyncAccounts
from valetkey.sdk.resources.audit import AsyncAudit, Audit
from valetkey.sdk.resources.base import AsyncSender, Sender
from valetkey.sdk.resources.credentials import AsyncCredentials, Credentials
from valetkey.sdk.resources.datasets import AsyncDatasets, Datasets
from valetkey.sdk.resources.grants import AsyncGrants, Grants
from valetkey.sdk.resources.groups import AsyncGroups, Groups
from valetkey.sdk.resources.integrations import AsyncIntegrations, Integrations
from valetkey.sdk.resources.leases import AsyncLeases, Leases
from valetkey.sdk.resources.locations import AsyncLocations, Locations
from valetkey.sdk.resources.objects import AsyncObjects, Objects
from valetkey.sdk.resources.operations import AsyncOperations, Operations
from valetkey.sdk.resources.orgs import AsyncOrgs, Orgs
from valetkey.sdk.resources.projects import AsyncProjects, Projects
from valetkey.sdk.resources.revocations import AsyncRevocations, Revocations
from valetkey.sdk.resources.rotations import AsyncRotations, Rotations
from valetkey.sdk.resources.service_accounts import AsyncServiceAccounts, ServiceAccounts
from valetkey.sdk.resources.tokens import AsyncTokens, Tokens


class Resources:
    """Every noun of the API, as an attribute."""

    def __init__(self, client: Sender) -> None:
        self.accounts = Accounts(client)
        self.tokens = Tokens(client)
        self.orgs = Orgs(client)
        self.service_accounts = ServiceAccounts(client)
        self.groups = Groups(client)
        self.projects = Projects(client)
        self.integrations = Integrations(client)
        self.rotations = Rotations(client)
        self.locations = Locations(client)
        self.grants = Grants(client)
        self.credentials = Credentials(client)
        self.leases = Leases(client)
        self.revocations = Revocations(client)
        self.audit = Audit(client)
        self.datasets = Datasets(client)
        self.objects = Objects(client)
        self.operations = Operations(client)


class AsyncResources:
    """Every noun of the API, as an attribute."""

    def __init__(self, client: AsyncSender) -> None:
        self.accounts = AsyncAccounts(client)
        self.tokens = AsyncTokens(client)
        self.orgs = AsyncOrgs(client)
        self.service_accounts = AsyncServiceAccounts(client)
        self.groups = AsyncGroups(client)
        self.projects = AsyncProjects(client)
        self.integrations = AsyncIntegrations(client)
        self.rotations = AsyncRotations(client)
        self.locations = AsyncLocations(client)
        self.grants = AsyncGrants(client)
        self.credentials = AsyncCredentials(client)
        self.leases = AsyncLeases(client)
        self.revocations = AsyncRevocations(client)
        self.audit = AsyncAudit(client)
        self.datasets = AsyncDatasets(client)
        self.objects = AsyncObjects(client)
        self.operations = AsyncOperations(client)
