"""POSTs that make something, and what they make."""

from __future__ import annotations

from typing import Final

#: What a POST makes: the table whose rows are counted. A POST without a row here fails.
MAKES: Final = {
    "createToken": "api_tokens",
    "addOrgMember": "users",
    "createPasswordLink": "password_links",
    "createProject": "projects",
    "createServiceAccount": "users",
    "createServiceAccountToken": "api_tokens",
    "createGroup": "groups",
    "createIntegration": "integrations",
    "createLocation": "locations",
    "createGrant": "grants",
    "createRevocation": "revocations",
    "createDataset": "datasets",
    "createSync": "commands",
    "createClone": "commands",
    "createFolder": "items",
    "indexObjects": "items",
    "deleteMatchingObjects": "items",
    "createRotation": "rotations",
}
