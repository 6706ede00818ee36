"""What the outside implements. Few, narrow, and each owns its errors: nothing of botocore,
httpx2 or SQLAlchemy escapes an adapter; only :mod:`valetkey.domain.errors` does."""

from valetkey.domain.ports.aws import (
    AssumeRole,
    BucketPlace,
    CallerIdentity,
    Sts,
)
from valetkey.domain.ports.cryptography import (
    KeyWrapper,
    Passwords,
    Sealer,
    TokenClaims,
    TokenSigner,
)
from valetkey.domain.ports.identity import (
    ApiTokenRepository,
    BrowserSessionRepository,
    KnownSources,
    PasswordLinkRepository,
    SignInTries,
)
from valetkey.domain.ports.keys import (
    AccessKeys,
    BlockRepository,
    Resealer,
    RevocationRepository,
    RolePolicies,
    RotationRepository,
    SealedRow,
    SealedRows,
    WorkLeases,
)
from valetkey.domain.ports.objects import ObjectStore
from valetkey.domain.ports.requests import KeptRequests
from valetkey.domain.ports.storage import (
    AuditTrail,
    Installation,
    Installations,
    IntegrationRepository,
    LocationRepository,
    OrganizationRepository,
    Pool,
    ProjectRepository,
    Storage,
    UnitOfWork,
    UserRepository,
)
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.ports.vending import (
    ChangeListener,
    GrantRepository,
    GroupRepository,
    Invalidations,
    LeaseRepository,
)

__all__ = [
    "AccessKeys",
    "ApiTokenRepository",
    "AssumeRole",
    "AuditTrail",
    "BlockRepository",
    "BrowserSessionRepository",
    "BucketPlace",
    "CallerIdentity",
    "ChangeListener",
    "Clock",
    "Entropy",
    "GrantRepository",
    "GroupRepository",
    "Installation",
    "Installations",
    "IntegrationRepository",
    "Invalidations",
    "KeptRequests",
    "KeyWrapper",
    "KnownSources",
    "LeaseRepository",
    "LocationRepository",
    "ObjectStore",
    "OrganizationRepository",
    "PasswordLinkRepository",
    "Passwords",
    "Pool",
    "ProjectRepository",
    "Resealer",
    "RevocationRepository",
    "RolePolicies",
    "RotationRepository",
    "SealedRow",
    "SealedRows",
    "Sealer",
    "SignInTries",
    "Storage",
    "Sts",
    "TokenClaims",
    "TokenSigner",
    "UnitOfWork",
    "UserRepository",
    "WorkLeases",
]
