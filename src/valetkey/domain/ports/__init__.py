"""What the outside implements. Few, narrow, and each owns its errors: nothing of botocore,
obstore or SQLAlchemy escapes an adapter; only :mod:`valetkey.domain.errors` does."""

from valetkey.domain.ports.aws import (
    AssumeRole,
    BucketPlace,
    CallerIdentity,
    ObjectStore,
    ObjectStores,
    ObjectSummary,
    Sts,
)
from valetkey.domain.ports.cryptography import KeyWrapper, Passwords, Sealer, TokenClaims, Tokens
from valetkey.domain.ports.storage import (
    ApiKeys,
    AuditTrail,
    Drivers,
    Installation,
    Installations,
    Integrations,
    Organizations,
    Projects,
    Storage,
    UnitOfWork,
    Users,
)
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.ports.vending import ChangeListener, Grants, Groups, Invalidations, Leases

__all__ = [
    "ApiKeys",
    "AssumeRole",
    "AuditTrail",
    "BucketPlace",
    "CallerIdentity",
    "ChangeListener",
    "Clock",
    "Drivers",
    "Entropy",
    "Grants",
    "Groups",
    "Installation",
    "Installations",
    "Integrations",
    "Invalidations",
    "KeyWrapper",
    "Leases",
    "ObjectStore",
    "ObjectStores",
    "ObjectSummary",
    "Organizations",
    "Passwords",
    "Projects",
    "Sealer",
    "Storage",
    "Sts",
    "TokenClaims",
    "Tokens",
    "UnitOfWork",
    "Users",
]
