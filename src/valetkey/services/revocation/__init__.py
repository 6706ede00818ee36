"""Revoking sessions: ``leases`` are the verbs, ``targets`` what they are about; ``revoking``
carries one out, ``enforcement`` tells AWS, ``proof`` sees that it holds, ``rights`` asks beforehand
whether Valetkey may."""

from valetkey.services.endings import RevocationResult
from valetkey.services.revocation.leases import Leases, only_org
from valetkey.services.revocation.rights import RevocationRight, check_revocation
from valetkey.services.revocation.targets import Target

__all__ = [
    "Leases",
    "RevocationResult",
    "RevocationRight",
    "Target",
    "check_revocation",
    "only_org",
]
