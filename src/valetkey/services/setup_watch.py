"""Looking on while somebody sets up the AWS side by hand: which steps can be seen to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.domain.access import Action
from valetkey.domain.credentials import MIN_TTL, AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable, InvalidInput
from valetkey.domain.location import parse_bucket
from valetkey.domain.ports import (
    AssumeRole,
    BucketPlace,
    ObjectStore,
    Sealer,
    Storage,
    Sts,
    UnitOfWork,
)
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.scope import AccessLevel, Scope, normalize_folder
from valetkey.domain.session_policy import render
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.buckets import OpenBucket
from valetkey.services.integrations import open_key
from valetkey.services.nouns import INTEGRATION, ORGANIZATION

LOOK: Final = Verb("setup.look", Action.MANAGE_INTEGRATIONS)
SESSION_NAME: Final = "valetkey-setup"


@dataclass(frozen=True, slots=True)
class SetupState:
    """What holds. ``user_arn`` is whose key it is; ``missing`` and ``fix`` are AWS's first no in
    words. ``listed`` stays False while no bucket is named."""

    user_arn: str = ""
    role_assumed: bool = False
    listed: bool = False
    missing: str = ""
    fix: str = ""

    @property
    def key_works(self) -> bool:
        return bool(self.user_arn)

    @property
    def everything(self) -> bool:
        """Tell whether nothing is left to look for."""
        return self.key_works and self.role_assumed and self.listed


class SetupWatch:
    """Asks AWS with a key that somebody is about to register, or has just registered.

    Nothing is stored or recorded.
    """

    def __init__(
        self, storage: Storage, sealer: Sealer, sts: Sts, stores: ObjectStore, audit: AuditLog
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._sts = sts
        self._stores = stores
        self._access: Access[UnitOfWork] = Access(storage, audit)

    async def look(
        self,
        caller: Caller,
        org_id: str,
        *,
        key: AccessKey,
        role: RoleArn,
        bucket: str = "",
        folder: str = "",
    ) -> SetupState:
        """Return what can be seen to hold. Raises NotFound, Denied; never for what AWS says."""
        await self._access.require(caller, LOOK, ORGANIZATION, org_id)
        return await self._look(key, role, bucket, folder)

    async def look_again(
        self, caller: Caller, integration_id: str, *, bucket: str = "", folder: str = ""
    ) -> SetupState:
        """Return the same with a stored key. Raises NotFound, Denied, Conflict, SealBroken."""
        await self._access.require(caller, LOOK, INTEGRATION, integration_id)
        integration, key = await open_key(self._storage, self._sealer, integration_id)
        return await self._look(key, integration.role_arn, bucket, folder)

    async def _look(self, key: AccessKey, role: RoleArn, bucket: str, folder: str) -> SetupState:
        user_arn, role_assumed = "", False
        try:
            user_arn = (await self._sts.caller_identity(key, partition=role.partition)).arn
            await self._sts.assume_role(key, AssumeRole(role, SESSION_NAME, MIN_TTL))
            role_assumed = True
            listed = await self._list(key, role, bucket, folder)
        except (AwsRefused, AwsUnavailable) as error:
            return SetupState(user_arn, role_assumed, False, error.message, error.hint)
        return SetupState(user_arn, role_assumed, listed)

    async def _list(self, key: AccessKey, role: RoleArn, bucket: str, folder: str) -> bool:
        try:
            prefix = normalize_folder(folder)
            scope = Scope(parse_bucket(bucket), (prefix,), frozenset({AccessLevel.LIST}))
        except InvalidInput:
            return False  # it is still being typed
        policy = render(scope, partition=role.partition)
        order = AssumeRole(role, SESSION_NAME, MIN_TTL, policy)
        session = await self._sts.assume_role(key, order)
        region = await self._stores.find_region(BucketPlace(bucket), session, prefix=prefix)
        store = OpenBucket(self._stores, session, BucketPlace(bucket, region))
        await store.list_some(prefix, limit=1)
        return True
