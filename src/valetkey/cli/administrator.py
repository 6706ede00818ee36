"""The options of looking with an administrator's AWS credentials; what they do is imported when it
is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Group, Parameter

from valetkey.cli.common import Flag

_GROUP: Final = Group("Looking with an administrator's AWS credentials", sort_key=5)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorOptions:
    """Whether to look at AWS's policies themselves, and as whom."""

    as_admin: Flag = False
    """Read the policies with the AWS credentials of this machine; they go to AWS alone."""
    aws_profile: Annotated[str, Parameter(show_default=False)] = ""
    """A profile of ~/.aws (default: botocore's own search)."""
    repair: Flag = False
    """Fix what can be fixed, after asking; implies --as-admin."""
    yes: Flag = False
    """Don't ask."""

    @property
    def wanted(self) -> bool:
        """Tell whether the administrator's view was asked for."""
        return self.as_admin or self.repair or bool(self.aws_profile)


NOBODY: Final = AdministratorOptions()
