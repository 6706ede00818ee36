"""What a role lacks of the rights that Valetkey can use, beyond those that it can't do without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from valetkey.domain.location import Location
from valetkey.domain.ports import ObjectStore
from valetkey.domain.scope import AccessLevel
from valetkey.domain.verification import PROBE_PREFIX
from valetkey.services.verification.checklist import Checklist, Claim
from valetkey.services.verification.sessions import Opener, place_of

#: What does not work without a right, by the right.
WITHOUT: Final = {
    "s3:AbortMultipartUpload": "uploads that are cut leave their parts in the bucket",
    "s3:ListMultipartUploadParts": "clients can't resume an upload in parts",
    "s3:GetObjectVersion": "old versions can't be read",
    "s3:DeleteObjectVersion": "old versions can't be deleted",
    "s3:RestoreObject": "archived objects can't be restored",
    "s3:GetObjectTagging": "objects that have tags can't be moved, and clones lose the tags",
    "s3:PutObjectTagging": "objects that have tags can't be moved",
}


async def check_more_rights(
    checks: Checklist, claim: Claim, stores: ObjectStore, opener: Opener, location: Location
) -> None:
    """Try each right on an object that is not there, so that nothing is changed. What is lacking
    is said, and is no failure: the reference page's policy has none of them."""
    if checks.stopped:
        checks.skip(claim, checks.stopped)
        return
    key = f"{location.prefix}{PROBE_PREFIX}never"

    async def lacking() -> Sequence[str]:
        session = await opener.confined(location, frozenset(AccessLevel), more=True)
        return await stores.lacking_rights(session, place_of(location), key)

    attempt = await checks.attempt(lacking)
    if attempt.value:
        parts = [f"{right} ({WITHOUT[right]})" for right in attempt.value]
        checks.skip(claim, f"The role lacks what the basics don't need: {', '.join(parts)}.")
    else:
        checks.judge(claim, attempt)
