"""Calling sessions back: ``leases`` decides and stores, ``enforcement`` tells AWS, ``proof`` sees
that it holds, ``rights`` asks beforehand whether Valetkey may."""

from valetkey.services.revocation.leases import Leases, Recall, Target, only_org
from valetkey.services.revocation.rights import RevocationRight, check_revocation

__all__ = ["Leases", "Recall", "RevocationRight", "Target", "check_revocation", "only_org"]
