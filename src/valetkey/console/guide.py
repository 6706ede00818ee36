"""The set-up guide: the reference page's steps with the reader's own names in every document, and
a tick beside each step that can be seen to hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import Response, get, post

from valetkey.console.checks import parse_account
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest
from valetkey.console.web import fields
from valetkey.domain.errors import InvalidInput, ValetkeyError
from valetkey.domain.integration_types.aws_sts import parse_access_key
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.setup import Desired, SetupSpec
from valetkey.domain.setup import policies as documents
from valetkey.domain.setup.export import cloudformation
from valetkey.services.setup_watch import SetupState

_NAME: Final = "valetkey"
#: Stand in the documents until their own are typed.
_NO_ACCOUNT: Final = "123456789012"
_NO_BUCKET: Final = "your-bucket"
#: Tells htmx's poll that there is nothing more to come.
_STOP_POLLING: Final = 286


@dataclass(frozen=True, slots=True)
class Guide:
    """What the documents say. ``problem`` is why they don't say what was typed last."""

    desired: Desired
    account_known: bool
    bucket_known: bool
    problem: ValetkeyError | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The documents to copy, by the name of their place on the page."""
        desired = self.desired
        return {
            "policy": _pretty(documents.bucket_access(desired)),
            "assume": _pretty(documents.assume_role(desired)),
            "trust": _pretty(documents.trust(desired)),
            "rotation": _pretty(documents.self_rotation(desired)),
            "revocation": _pretty(documents.revocation(desired)),
            "bucket-name": desired.bucket,
            "policy-name": desired.policy,
            "user-name": desired.user,
            "role-name": desired.role,
            "assume-name": desired.assume_policy,
            "rotation-name": desired.rotation_policy,
            "revocation-name": desired.revocation_policy,
            "role-arn": desired.role_arn,
        }


def first_guide() -> Guide:
    """Return the guide before anything is typed."""
    return make_guide({})


def make_guide(form: Mapping[str, str]) -> Guide:
    """Return the guide for what was typed; a field that can't be right is left as it was."""
    account, bucket, problem = form.get("account", ""), form.get("bucket", ""), None
    try:
        number = parse_account(account) if account else _NO_ACCOUNT
        return Guide(
            _spec(form, bucket or _NO_BUCKET).resolve(
                account=number, partition=_partition(form.get("region", ""))
            ),
            bool(account),
            bool(bucket),
        )
    except InvalidInput as error:
        problem = error
    desired = _spec({}, _NO_BUCKET).resolve(account=_NO_ACCOUNT, partition="aws")
    return Guide(desired, account_known=False, bucket_known=False, problem=problem)


def _spec(form: Mapping[str, str], bucket: str) -> SetupSpec:
    return SetupSpec(
        name=_NAME,
        bucket=bucket,
        region=form.get("region", "") or "us-east-1",
        folder=form.get("folder", ""),
        user=form.get("user", ""),
        role=form.get("role", ""),
        policy=form.get("policy", ""),
    )


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _pretty(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2)


@post("/guide", status_code=200)
async def fill_guide(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Fill the documents with what is being typed; each is swapped in its place, so that nothing
    that is open closes."""
    await services.integrations.of_org(reader.caller, reader.org.id)
    return reader.part("integrations/guide_texts.html", guide=make_guide(await fields(request)))


@post("/guide/watch", status_code=200)
async def watch(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Look at AWS with the key that is in the form, and tick the steps that are seen to hold."""
    form = await fields(request)
    try:
        key = parse_access_key(form.get("key", ""), form.get("secret", ""))
        role = RoleArn.parse(form.get("role_arn", ""))
    except InvalidInput:
        return Response("", status_code=204)  # still being typed: what was ticked stays
    bucket, folder = form.get("bucket", ""), form.get("folder", "")
    seen = await services.setup_watch.look(
        reader.caller, reader.org.id, key=key, role=role, bucket=bucket, folder=folder
    )
    return _seen(reader, seen)


@post("/guide/watch/{integration_id:str}", status_code=200)
async def watch_registered(
    request: HttpRequest, services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Look at AWS with the key that was just registered, and tick the steps."""
    form = await fields(request)
    seen = await services.setup_watch.look_again(
        reader.caller,
        integration_id,
        bucket=form.get("bucket", ""),
        folder=form.get("folder", ""),
    )
    return _seen(reader, seen)


def _seen(reader: Reader, seen: SetupState) -> Response[str]:
    status = _STOP_POLLING if seen.everything else 200
    return reader.part("integrations/ticks.html", status=status, ticks=_ticks(seen), seen=seen)


def _ticks(seen: SetupState) -> dict[str, bool]:
    """Which steps hold, by their number on the page."""
    return {
        "bucket": seen.listed,
        "policy": seen.listed,
        "user": seen.key_works,
        "role": seen.role_assumed,
        "assume": seen.role_assumed,
        "key": seen.key_works,
        "trust": seen.role_assumed,
    }


@get("/guide/cloudformation")
async def download_cloudformation(
    request: HttpRequest, services: Services, reader: Reader
) -> Response[str]:
    """Download the steps as one CloudFormation template. Raises InvalidInput, Denied."""
    await services.integrations.of_org(reader.caller, reader.org.id)
    form = dict(request.query_params.items())
    spec = _spec(form, form.get("bucket", "") or _NO_BUCKET)
    return Response(
        cloudformation(spec),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="valetkey-setup.json"'},
    )


ROUTES = (fill_guide, watch, watch_registered, download_cloudformation)
