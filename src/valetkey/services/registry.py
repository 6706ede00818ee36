"""All services together, as the entry points receive them."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.ports import Clock
from valetkey.identity.accounts import Accounts
from valetkey.identity.authentication import Authentication
from valetkey.identity.password_links import PasswordLinks
from valetkey.identity.principals import Principals
from valetkey.identity.service_accounts import ServiceAccounts
from valetkey.identity.sessions import BrowserSessions
from valetkey.identity.tokens import ApiTokens
from valetkey.services.audit import AuditLog
from valetkey.services.caches import Caches
from valetkey.services.grants import Grants
from valetkey.services.health import Health
from valetkey.services.idempotency import Idempotency
from valetkey.services.integrations import Integrations
from valetkey.services.locations import Locations
from valetkey.services.people import People
from valetkey.services.revocation import Leases
from valetkey.services.revocation.blocks import BlockList
from valetkey.services.rotation import Rotations
from valetkey.services.scheduler import Scheduler
from valetkey.services.setup_watch import SetupWatch
from valetkey.services.vending import Presigning, Vending


@dataclass(frozen=True, slots=True)
class Services:
    """What Valetkey can do, one member per group of verbs."""

    accounts: Accounts
    audit: AuditLog
    authentication: Authentication
    blocks: BlockList
    caches: Caches
    clock: Clock
    locations: Locations
    grants: Grants
    health: Health
    idempotency: Idempotency
    integrations: Integrations
    leases: Leases
    people: People
    presigning: Presigning
    password_links: PasswordLinks
    principals: Principals
    rotations: Rotations
    scheduler: Scheduler
    service_accounts: ServiceAccounts
    sessions: BrowserSessions
    setup_watch: SetupWatch
    tokens: ApiTokens
    vending: Vending
