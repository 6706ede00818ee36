"""Service accounts: programs that are nobody's person. They have roles and grants, and no
password: API tokens, which owners of their project make for them, are all they sign in with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from valetkey.domain.access import Action, OrgRole, ProjectRole, role_word
from valetkey.domain.errors import Conflict
from valetkey.domain.ids import IdFactory
from valetkey.domain.people import (
    ApiToken,
    OrgMember,
    ProjectMember,
    User,
    UserKind,
    service_email,
)
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.secret import Secret
from valetkey.domain.tags import user_tag
from valetkey.identity.leaving import Departed, Leaving
from valetkey.identity.tokens import ApiTokens, NewToken
from valetkey.services.access import Access, Home, Noun, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.lookup import load_project
from valetkey.services.nouns import ORGANIZATION, PROJECT

CREATE_ACCOUNT: Final = Verb("service_account.create", Action.MANAGE_PROJECT)
LIST_ACCOUNTS: Final = Verb("service_account.list", Action.MANAGE_PROJECT)
DELETE_ACCOUNT: Final = Verb("service_account.delete", Action.MANAGE_PROJECT)
CREATE_TOKEN: Final = Verb("token.create", Action.MANAGE_PROJECT)
LIST_TOKENS: Final = Verb("token.list", Action.MANAGE_PROJECT)


async def _load(work: UnitOfWork, account_id: str) -> User | None:
    user = await work.users.get(account_id)
    return user if user is not None and user.kind is UserKind.SERVICE else None


async def _home(work: UnitOfWork, account: User) -> Home:
    project = await load_project(work, account.project_id or "")
    return Home(project.org_id, project.id)


async def _unchanging(_: UnitOfWork, account: User) -> User:
    return account


SERVICE_ACCOUNT: Final[Noun[User]] = Noun(
    "service_account",
    load=_load,
    home=_home,
    save=_unchanging,
    tags=lambda account: (user_tag(account.id),),
    facts=lambda account: {"name": account.name, "email": account.email},
)


class ServiceAccounts:
    """Making, listing and deleting service accounts, and tokens for them."""

    def __init__(
        self,
        storage: Storage,
        tokens: ApiTokens,
        leaving: Leaving,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._tokens = tokens
        self._leaving = leaving
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Caller, project_id: str, name: str, role: ProjectRole) -> User:
        """Make a service account with a role in its project.

        Raises InvalidInput, Conflict (name taken), NotFound, Denied.
        """
        account = User(
            self._new_id(),
            service_email(name, project_id),
            "",
            self._clock.now(),
            kind=UserKind.SERVICE,
            name=name,
            project_id=project_id,
        )
        async with self._access.changing(caller, CREATE_ACCOUNT, PROJECT, project_id) as change:
            work, org_id = change.work, change.home.org_id
            await work.users.add(account)
            member = OrgMember(org_id, account.id, account.email, OrgRole.MEMBER)
            await work.organizations.put_member(member)
            await work.projects.put_member(
                ProjectMember(project_id, account.id, account.email, role)
            )
            change.note(
                f"service_account:{account.id}", account=account.email, role=role_word(role)
            )
        return account

    async def of_project(self, caller: Caller, project_id: str) -> Sequence[User]:
        """List a project's service accounts by name. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST_ACCOUNTS, PROJECT, project_id) as read:
            return await read.work.users.of_project(project_id)

    async def get(self, caller: Caller, account_id: str) -> User:
        """Return one. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST_ACCOUNTS, SERVICE_ACCOUNT, account_id) as read:
            return read.entity

    async def delete(self, caller: Caller, account_id: str) -> Departed:
        """Forget a service account with its tokens, roles and grants, and revoke its AWS sessions.
        The answer says what could not be ended, and until when it lives. Raises NotFound, Denied.
        """
        async with self._access.changing(
            caller, DELETE_ACCOUNT, SERVICE_ACCOUNT, account_id
        ) as change:
            # Who grants it something meanwhile waits, and then finds it gone.
            await change.work.lock(ORGANIZATION.name, change.home.org_id)
            mine = await change.work.api_tokens.of_user(account_id)
            ended = [await self._tokens.end(change.work, change.caller, each) for each in mine]
            if not await change.work.users.delete(account_id):
                raise Conflict(
                    "Somebody else deleted it just now.",
                    hint="List what there is.",
                    code="changed_meanwhile",
                )
            change.publish([user_tag(account_id)])
            change.note()
        return await self._leaving.revoke_of_account(
            caller, change.home.org_id, change.entity, sum(ended)
        )

    async def create_token(
        self, caller: Caller, account_id: str, new: NewToken
    ) -> tuple[ApiToken, Secret]:
        """Make a token for a service account; it is shown this once. Raises InvalidInput, NotFound,
        Denied."""
        async with self._access.changing(
            caller, CREATE_TOKEN, SERVICE_ACCOUNT, account_id
        ) as change:
            return await self._tokens.add(
                change.work, change.caller, change.entity, change.home.org_id, new
            )

    async def tokens(self, caller: Caller, account_id: str) -> Sequence[ApiToken]:
        """List a service account's tokens, newest first. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST_TOKENS, SERVICE_ACCOUNT, account_id) as read:
            return list(reversed(await read.work.api_tokens.of_user(account_id)))
