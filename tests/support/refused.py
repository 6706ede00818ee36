"""Does AWS refuse a session? The role's inline policies in memory, evaluated as IAM does."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from support.memory import Memory
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.testing import FakeRolePolicies


def works(memory: Memory, credentials: TemporaryCredentials) -> bool:
    """Tell whether no deny of the role means this session."""
    return is_allowed(memory, credentials.access_key_id)


def is_allowed(memory: Memory, access_key_id: str) -> bool:
    """Tell it of a session that is known by its key's id."""
    name, issued_at, role = memory.sts.issued[access_key_id]
    return not any(
        _denies(statement, name, issued_at)
        for (role_name, _), document in _policies(memory).documents.items()
        if role_name == role
        for statement in document["Statement"]
    )


def _policies(memory: Memory) -> FakeRolePolicies:
    found = memory.services.leases.policies
    assert isinstance(found, FakeRolePolicies)
    return found


def _denies(statement: dict[str, Any], name: str, issued_at: datetime) -> bool:
    condition = statement["Condition"]
    before = datetime.fromisoformat(condition["DateLessThan"]["aws:TokenIssueTime"])
    # AWS counts whole seconds.
    is_before = issued_at.replace(microsecond=0) < before
    patterns = condition.get("StringLike", {}).get("aws:userid", ["*"])
    return is_before and any(fnmatchcase(f"AROAFAKE:{name}", pattern) for pattern in patterns)
