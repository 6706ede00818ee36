"""Service accounts: programs that are nobody's person."""

from __future__ import annotations

from typing import Annotated, Final

from valetkey.wire.base import (
    ID,
    Body,
    Created,
    Id,
    Page,
    Paging,
    ProjectId,
    Shape,
    says,
)
from valetkey.wire.operation import Operation
from valetkey.wire.orgs import Departure
from valetkey.wire.projects import RoleInProject
from valetkey.wire.tokens import NewToken, Token

_TAG: Final = "service-accounts"
AccountName = Annotated[
    str,
    says(
        "Its name: small letters, digits and hyphens.",
        "training-jobs",
        min_length=1,
        max_length=60,
    ),
]


class ServiceAccount(Shape, frozen=True):
    """A program's identity in a project: roles and grants of its own, and no password."""

    id: Id
    project_id: ProjectId
    name: AccountName
    email: Annotated[
        str,
        says(
            "The address that grants, members and records know it by; no mailbox.",
            f"training-jobs@{ID}.service.internal",
        ),
    ]
    created_at: Created


class NewServiceAccount(Body, frozen=True):
    """A service account to be."""

    project_id: ProjectId
    name: AccountName
    role: RoleInProject


class ServiceAccountsQuery(Paging, frozen=True, kw_only=True):
    """Of which project."""

    project_id: ProjectId


_ONE: Final = "/v1/service-accounts/{serviceAccountId}"

LIST_SERVICE_ACCOUNTS: Final = Operation(
    id="listServiceAccounts",
    method="GET",
    path="/v1/service-accounts",
    tag=_TAG,
    summary="List a project's service accounts.",
    query=ServiceAccountsQuery,
    result=Page[ServiceAccount],
)
CREATE_SERVICE_ACCOUNT: Final = Operation(
    id="createServiceAccount",
    method="POST",
    path="/v1/service-accounts",
    tag=_TAG,
    summary="Make a service account with a role in its project.",
    body=NewServiceAccount,
    result=ServiceAccount,
    status=201,
    errors=("name_taken",),
    makes=True,
)
GET_SERVICE_ACCOUNT: Final = Operation(
    id="getServiceAccount",
    method="GET",
    path=_ONE,
    tag=_TAG,
    summary="Show a service account.",
    result=ServiceAccount,
)
DELETE_SERVICE_ACCOUNT: Final = Operation(
    id="deleteServiceAccount",
    method="DELETE",
    path=_ONE,
    tag=_TAG,
    summary="Forget a service account: tokens, roles, grants and AWS sessions end.",
    description="The answer names what could not be ended, and until when it lives.",
    result=Departure,
    versioned=True,
)
LIST_SERVICE_ACCOUNT_TOKENS: Final = Operation(
    id="listServiceAccountTokens",
    method="GET",
    path=f"{_ONE}/tokens",
    tag=_TAG,
    summary="List a service account's API tokens, newest first.",
    query=Paging,
    result=Page[Token],
)
CREATE_SERVICE_ACCOUNT_TOKEN: Final = Operation(
    id="createServiceAccountToken",
    method="POST",
    path=f"{_ONE}/tokens",
    tag=_TAG,
    summary="Make an API token for a service account; the answer alone holds it.",
    body=NewToken,
    result=Token,
    status=201,
    makes=True,
    secret=True,
)
OPERATIONS: Final = (
    LIST_SERVICE_ACCOUNTS,
    CREATE_SERVICE_ACCOUNT,
    GET_SERVICE_ACCOUNT,
    DELETE_SERVICE_ACCOUNT,
    LIST_SERVICE_ACCOUNT_TOKENS,
    CREATE_SERVICE_ACCOUNT_TOKEN,
)
