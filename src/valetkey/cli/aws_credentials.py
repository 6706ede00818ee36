"""An administrator's AWS credentials, for one request: found as every AWS tool finds them."""

from __future__ import annotations

from collections.abc import Mapping

from valetkey.sdk.errors import InvalidRequest


def find_credentials(profile: str = "") -> Mapping[str, str]:
    """Return the credentials of a profile, or (empty) of botocore's own search, in the form of
    the REST API. Raises InvalidRequest when there are none."""
    import botocore.session  # noqa: PLC0415  # heavy, and of the extra `setup`
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        found = botocore.session.Session(profile=profile or None).get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as error:
        raise InvalidRequest(
            f"The AWS credentials can't be read ({type(error).__name__}).",
            hint="See ~/.aws/config and ~/.aws/credentials.",
        ) from None
    if frozen is None:
        raise InvalidRequest(
            "There are no AWS credentials on this machine.",
            hint="Log in (aws sso login), or name a profile with --aws-profile.",
        )
    given = {"key": frozen.access_key, "secret": frozen.secret_key, "sessionToken": frozen.token}
    return {name: value for name, value in given.items() if value}
