"""The plan as a shell script of ``aws`` commands: the very calls that ``apply`` would make."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from typing import Any, Final

from valetkey.domain.setup.access_key import KeyFacts
from valetkey.domain.setup.calls import AwsCall
from valetkey.domain.setup.export.placeholders import fill, opened
from valetkey.domain.setup.observed import NOTHING_THERE
from valetkey.domain.setup.plan import make_plan
from valetkey.domain.setup.spec import SetupSpec

_VARIABLES: Final = {
    "bucket": "BUCKET",
    "user": "USER_NAME",
    "role": "ROLE_NAME",
    "policy": "POLICY_NAME",
}
_EXPANSIONS: Final = _VARIABLES | {"account": "ACCOUNT", "partition": "PARTITION"}
#: Nothing is there, so nothing has an age.
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_WORD_BORDER: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_OPENING: Final = """\
#!/bin/sh
# Valetkey set-up {name}: bucket, policy, user, role, inline policies, access key, trust.
# For an account in which none of these is there yet; 'valetkey setup aws apply' with the same
# names finishes what breaks off half-way. Needs the aws command, and an administrator's rights.
set -eu

{defaults}
# The new access key is written here, for its owner alone. An existing file is not overwritten.
: "${{KEY_FILE:={name}-key.json}}"

ACCOUNT=$(aws sts get-caller-identity --query Account --output text)
PARTITION=$(aws sts get-caller-identity --query Arn --output text | cut -d: -f2)

# IAM is eventually consistent: what was just made may not be seen yet.
retry() {{
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 12 ]; then
      echo "gave up after $tries attempts: $1 $2 $3" >&2
      return 1
    fi
    sleep 5
  done
}}
"""


def shell_script(spec: SetupSpec) -> str:
    """Render the script; names can be overridden in its environment."""
    facts = KeyFacts(custodian='the file "$KEY_FILE"', held="", intent=None, now=_LONG_AGO)
    plan = make_plan(opened(spec), NOTHING_THERE, facts)
    defaults = "\n".join(
        f': "${{{variable}:={getattr(spec, field)}}}"' for field, variable in _VARIABLES.items()
    )
    parts = [_OPENING.format(name=spec.name, defaults=defaults)]
    for step in plan.steps:
        claim = fill(step.claim, lambda place: f"${_EXPANSIONS[place]}", str)
        parts.append("\n".join([f"# {claim}", *map(_command, step.calls)]) + "\n")
    return "\n".join(parts)


def _command(call: AwsCall) -> str:
    service = "s3api" if call.service == "s3" else call.service
    lines = [f"aws {service} {_kebab(call.operation)}"]
    if call.region:
        lines.append(f"--region {call.region}")
    lines += [f"--{_kebab(name)} {_quoted(name, value)}" for name, value in call.parameters.items()]
    if call.operation == "CreateAccessKey":
        # 'set -C' refuses to overwrite: an older secret in the file stays.
        command = " ".join([*lines, "--output json"])
        return f'(umask 077; set -C; {command} > "$KEY_FILE")'
    if not call.operation.startswith("Create"):
        lines[0] = f"retry {lines[0]}"
    return " \\\n  ".join([*lines, "> /dev/null"])


def _kebab(name: str) -> str:
    return _WORD_BORDER.sub("-", name).lower()


def _quoted(name: str, value: Any) -> str:
    # Documents are JSON text already; what is not text becomes it.
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    is_json = name.endswith("Document") or not isinstance(value, str)
    return fill(text, lambda place: f'"${_EXPANSIONS[place]}"', shlex.quote, is_json=is_json)
