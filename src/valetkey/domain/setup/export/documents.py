"""The plan's policy documents alone, for a review or for pasting into the console."""

from __future__ import annotations

import json
from typing import Any, Final

from valetkey.domain.setup import policies
from valetkey.domain.setup.spec import SetupSpec

#: What the reference page writes where the account's id goes.
ACCOUNT_PLACEHOLDER: Final = "<YourAWSAccountId>"


def policy_json(
    spec: SetupSpec, *, account: str = ACCOUNT_PLACEHOLDER, partition: str = "aws"
) -> str:
    """Render all documents as one JSON object, each under the name of what it belongs to."""
    desired = spec.resolve(account=account, partition=partition)
    documents: dict[str, Any] = {
        f"policy {desired.policy}": policies.bucket_access(desired),
        **{
            f"user {desired.user}, inline policy {name}": document
            for name, document in policies.user_policies(desired).items()
        },
        f"role {desired.role}, trust policy": policies.trust(desired),
    }
    return json.dumps(documents, indent=2) + "\n"
