"""An administrator's AWS credentials, for one request: found as every AWS tool finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Group, Parameter

from valetkey.cli.common import Flag
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.administrators import Administrator

_GROUP: Final = Group("With an administrator's AWS credentials", sort_key=5)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCredentialOptions:
    """Whether to use the AWS credentials of this machine, and which."""

    as_admin: Flag = False
    """Use the AWS credentials of this machine, for this once; they are not stored."""
    aws_profile: Annotated[str, Parameter(show_default=False)] = ""
    """A profile of ~/.aws for that; implies --as-admin."""


def find_administrator(asked: AwsCredentialOptions) -> Administrator | None:
    """Return the credentials of a profile, or of botocore's own search; None when they were not
    asked for. Raises InvalidRequest when there are none."""
    if not (asked.as_admin or asked.aws_profile):
        return None
    import botocore.session  # noqa: PLC0415  # heavy, and of the extra `setup`
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        found = botocore.session.Session(profile=asked.aws_profile or None).get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as error:
        raise InvalidRequest(
            f"The AWS credentials can't be read ({type(error).__name__}).",
            hint="See ~/.aws/config and ~/.aws/credentials.",
        ) from None
    if frozen is None or not (frozen.access_key and frozen.secret_key):
        raise InvalidRequest(
            "There are no AWS credentials on this machine.",
            hint="Log in (aws sso login), or name a profile with --aws-profile.",
        )
    return Administrator(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token or None,
    )
