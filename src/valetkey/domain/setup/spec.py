"""What a set-up shall be: names checked as AWS checks them, and all that follows from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import parse_bucket, parse_region
from valetkey.domain.scope import normalize_folder

#: The tag that makes an object ours: its value is the set-up's name.
OWNER_TAG: Final = "valetkey:setup"
#: Says whether the set-up made an object or took over one that was there.
ORIGIN_TAG: Final = "valetkey:origin"
CREATED: Final = "created"
ADOPTED: Final = "adopted"

_MOST_DAYS: Final = 365
_SETUP_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_IAM_NAME: Final = re.compile(r"[\w+=,.@-]+", re.ASCII)
#: IAM user guide, "IAM and AWS STS quotas".
_LONGEST: Final = {"user": 64, "role": 64, "policy": 128}


def parse_iam_name(text: str, kind: str) -> str:
    """Check the name of a ``user``, ``role`` or ``policy``. Raises :class:`InvalidInput`."""
    longest = _LONGEST[kind]
    if not _IAM_NAME.fullmatch(text) or len(text) > longest:
        raise InvalidInput(
            f"{text[:140]!r} can't be the name of an IAM {kind}.",
            hint=f"1 to {counted(longest, 'letter')}, digits and _+=,.@- without spaces.",
            field=kind,
        )
    return text


def _parse_setup_name(text: str) -> str:
    if not _SETUP_NAME.fullmatch(text):
        raise InvalidInput(
            f"{text[:60]!r} can't be the name of a set-up.",
            hint="Use up to 40 letters, digits, hyphens and underscores, such as valetkey-prod.",
            field="name",
        )
    return text


@dataclass(frozen=True, slots=True)
class SetupSpec:
    """What an administrator asks for. Names left empty follow from ``name``.

    ``self_rotation`` lets the user replace its own access keys; ``revocation`` lets it write
    inline policies on the role, which calling back single sessions needs, and puts a permissions
    boundary on the role, so that what is written there can only take away. ``strict_reference``
    keeps the policy to the reference page's four actions. ``end_uploads_after_days`` has the
    bucket clean up what is left of uploads in parts that nobody ended, by a lifecycle rule of its
    own (0: no rule).

    Raises :class:`InvalidInput` for names that AWS would refuse.
    """

    name: str
    bucket: str
    region: str
    folder: str = ""
    user: str = ""
    role: str = ""
    policy: str = ""
    self_rotation: bool = True
    revocation: bool = False
    strict_reference: bool = False
    end_uploads_after_days: int = 0

    def __post_init__(self) -> None:
        _parse_setup_name(self.name)
        if not 0 <= self.end_uploads_after_days <= _MOST_DAYS:
            raise InvalidInput(
                f"A rule can't end uploads after {counted(self.end_uploads_after_days, 'day')}.",
                hint=f"Give 1 to {_MOST_DAYS} days, or 0 for no rule.",
                field="endUploadsAfterDays",
            )
        parse_bucket(self.bucket)
        if not parse_region(self.region):
            raise InvalidInput(
                "The bucket's region is not known.",
                hint="Give --region, set AWS_REGION, or name a region in the AWS profile.",
                field="region",
            )
        object.__setattr__(self, "folder", normalize_folder(self.folder, field="folder"))
        for kind, ending in (("user", "-user"), ("role", "-role"), ("policy", "-s3")):
            text = getattr(self, kind) or self.name + ending
            object.__setattr__(self, kind, parse_iam_name(text, kind))

    def resolve(self, *, account: str, partition: str) -> Desired:
        """Return the desired state in one account."""
        return Desired(
            name=self.name,
            account=account,
            partition=partition,
            region=self.region,
            bucket=self.bucket,
            folder=self.folder,
            user=self.user,
            role=self.role,
            policy=self.policy,
            self_rotation=self.self_rotation,
            revocation=self.revocation,
            strict_reference=self.strict_reference,
            end_uploads_after_days=self.end_uploads_after_days,
        )


@dataclass(frozen=True, slots=True)
class Desired:
    """The AWS side as it shall be, in one account."""

    name: str
    account: str
    partition: str
    region: str
    bucket: str
    folder: str
    user: str
    role: str
    policy: str
    self_rotation: bool
    revocation: bool
    strict_reference: bool = False
    end_uploads_after_days: int = 0

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{kind}/{name}"

    @property
    def user_arn(self) -> str:
        return self._arn("user", self.user)

    @property
    def role_arn(self) -> str:
        return self._arn("role", self.role)

    @property
    def policy_arn(self) -> str:
        return self._arn("policy", self.policy)

    @property
    def uploads_rule(self) -> str:
        """The name of the bucket's lifecycle rule that cleans up unfinished uploads."""
        return f"{self.name}-unfinished-uploads"

    @property
    def assume_policy(self) -> str:
        """The name of the user's inline policy that lets it assume the role."""
        return f"{self.name}-assume-role"

    @property
    def rotation_policy(self) -> str:
        """The name of the user's inline policy that lets it replace its own keys."""
        return f"{self.name}-self-rotation"

    @property
    def revocation_policy(self) -> str:
        """The name of the user's inline policy that lets it call back sessions of the role."""
        return f"{self.name}-revocation"

    def tags(self, origin: str = CREATED) -> dict[str, str]:
        """Return the tags of an object that is this set-up's."""
        return {OWNER_TAG: self.name, ORIGIN_TAG: origin}
