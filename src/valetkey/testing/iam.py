"""Access keys and inline policies in memory, for rules that don't need IAM's enforcement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports import Clock
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret
from valetkey.domain.setup.observed import ObservedKey


@dataclass
class FakeAccessKeys:
    """Keys by user. Implements ports.AccessKeys; every call fails while ``failure`` is set."""

    clock: Clock
    users: dict[str, dict[str, ObservedKey]] = field(default_factory=dict)
    failure: AwsRefused | AwsUnavailable | None = None
    made: int = 0

    def _keys(self, user: str) -> dict[str, ObservedKey]:
        if self.failure is not None:
            raise self.failure
        return self.users.setdefault(user, {})

    async def list_keys(self, signer: AwsCredentials, user: str) -> Sequence[ObservedKey]:
        return list(self._keys(user).values())

    async def last_used(self, signer: AwsCredentials, user: str, key_id: str) -> datetime | None:
        return self._keys(user)[key_id].last_used_at

    async def create(self, signer: AwsCredentials, user: str) -> AccessKey:
        keys = self._keys(user)
        if len(keys) > 1:
            raise AwsRefused("Two keys already.", hint="Delete one.", aws_code="LimitExceeded")
        self.made += 1
        key_id = f"AKIAFAKE{self.made:012d}"
        keys[key_id] = ObservedKey(key_id, active=True, created_at=self.clock.now())
        return AccessKey(key_id, Secret("fake/secret/".ljust(40, "x")))

    async def set_active(
        self, signer: AwsCredentials, user: str, key_id: str, *, active: bool
    ) -> None:
        keys = self._keys(user)
        keys[key_id] = replace(keys[key_id], active=active)

    async def delete(self, signer: AwsCredentials, user: str, key_id: str) -> None:
        self._keys(user).pop(key_id, None)


@dataclass
class FakeRolePolicies:
    """Inline policies by role and name. Implements ports.RolePolicies; ``failure`` as above."""

    documents: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    failure: AwsRefused | AwsUnavailable | None = None
    puts: int = 0

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def get(
        self, signer: AwsCredentials, role: RoleArn, name: str
    ) -> Mapping[str, Any] | None:
        self._check()
        return self.documents.get((role.name, name))

    async def put(self, signer: AwsCredentials, role: RoleArn, name: str, document: str) -> None:
        self._check()
        self.puts += 1
        self.documents[role.name, name] = json.loads(document)

    async def delete(self, signer: AwsCredentials, role: RoleArn, name: str) -> None:
        self._check()
        self.documents.pop((role.name, name), None)
