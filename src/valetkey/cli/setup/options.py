"""The options that the set-up commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from valetkey.domain.setup import SetupSpec


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class SetupTarget:
    """What is set up, and with which AWS credentials."""

    bucket: str
    """The bucket's name."""
    name: str = "valetkey"
    """The set-up's name: the other names follow from it, and the tag valetkey:setup holds it."""
    folder: str = ""
    """Open this one folder of the bucket only."""
    region: str = ""
    """The bucket's region (default: that of the environment or the profile)."""
    user: str = ""
    """The IAM user's name (default: NAME-user)."""
    role: str = ""
    """The IAM role's name (default: NAME-role)."""
    policy: str = ""
    """The IAM policy's name (default: NAME-s3)."""
    self_rotation: bool = True
    """Let the user replace its own access keys, so that Valetkey rotates them."""
    with_revocation: Annotated[bool, Parameter(negative=())] = False
    """Let the user call back sessions of the role, and put a permissions boundary on the role."""
    strict_reference: Annotated[bool, Parameter(negative=())] = False
    """Give the role the reference page's four actions only: it can't end uploads that were cut,
    and opens no old versions."""
    end_uploads_after_days: int = 0
    """Have the bucket delete the parts of uploads that nobody ended after so many days, by a
    lifecycle rule beside those that it has (0: no rule)."""
    aws_profile: str = ""
    """A profile of ~/.aws (default: botocore's own search)."""

    def spec(self, region: str) -> SetupSpec:
        """Return the specification, in a region. Raises InvalidInput."""
        return SetupSpec(
            name=self.name,
            bucket=self.bucket,
            region=region,
            folder=self.folder,
            user=self.user,
            role=self.role,
            policy=self.policy,
            self_rotation=self.self_rotation,
            revocation=self.with_revocation,
            strict_reference=self.strict_reference,
            end_uploads_after_days=self.end_uploads_after_days,
        )


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class CustodianOptions:
    """Who keeps the secret of the access key: a server, or a private file."""

    url: Annotated[str, Parameter(env_var="VALETKEY_URL")] = ""
    """The Valetkey server to register with (default: where you are logged in)."""
    token_file: Annotated[Path | None, Parameter(env_var="VALETKEY_TOKEN_FILE")] = None
    """A file with the server's API token (or: the variable VALETKEY_TOKEN; default: your login)."""
    org: Annotated[str, Parameter(env_var="VALETKEY_ORG")] = ""
    """The organisation, by name or id (default: the one that you own)."""
    project: str = ""
    """The project that gets the location, by name or id (default: the only one)."""
    integration: str = ""
    """The integration's name (default: the set-up's name)."""
    location: str = ""
    """The location's name (default: the bucket's name)."""
    endpoint: str = ""
    """An S3 endpoint other than AWS's own, for the location; the server's settings say which are
    allowed."""
    secret_file: Path | None = None
    """Keep the access key in this private file, and register nothing."""
    show_secret: Annotated[bool, Parameter(negative=())] = False
    """Show the secret of a key that was just made."""
