"""The plan written out for tools that go through review: CloudFormation, Terraform, shell, JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from valetkey.domain.setup.export.cloudformation import cloudformation
from valetkey.domain.setup.export.documents import policy_json
from valetkey.domain.setup.export.shell import shell_script
from valetkey.domain.setup.export.terraform import terraform
from valetkey.domain.setup.spec import SetupSpec

#: Formats by name.
FORMATS: Final[Mapping[str, Callable[[SetupSpec], str]]] = {
    "cloudformation": cloudformation,
    "terraform-json": terraform,
    "aws-cli": shell_script,
    "policy-json": policy_json,
}

__all__ = ["FORMATS", "cloudformation", "policy_json", "shell_script", "terraform"]
