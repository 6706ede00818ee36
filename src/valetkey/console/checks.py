"""What stands beside a field while somebody types: the domain's own words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from litestar import Response, post

from valetkey.console.dependencies import Reader, Segment
from valetkey.console.http import HttpRequest
from valetkey.console.web import fields, html
from valetkey.domain.errors import InvalidInput, NotFound, ValetkeyError
from valetkey.domain.integration_types.aws_sts import parse_access_key
from valetkey.domain.location import parse_bucket, parse_region
from valetkey.domain.names import clean_name
from valetkey.domain.people import check_password, parse_email
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.scope import normalize_folder
from valetkey.domain.setup.spec import parse_iam_name

# A key and a secret are read together; each is looked at beside one of the right form.
_SOME_KEY: Final = "AKIA" + "A" * 16
_SOME_SECRET: Final = "A" * 40
_ACCOUNT_LENGTH: Final = 12


def parse_account(text: str) -> str:
    """Read an AWS account id. Raises InvalidInput."""
    digits = text.strip().replace("-", "")
    if len(digits) != _ACCOUNT_LENGTH or not digits.isdecimal() or not digits.isascii():
        raise InvalidInput(
            "This is not an AWS account id.",
            hint="It has 12 digits; AWS's console shows it at the top right.",
            field="account",
        )
    return digits


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "name": clean_name,
    "key": lambda text: parse_access_key(text, _SOME_SECRET),
    "secret": lambda text: parse_access_key(_SOME_KEY, text),
    "role": RoleArn.parse,
    "account": parse_account,
    "bucket": parse_bucket,
    "region": parse_region,
    "folder": normalize_folder,
    "user-name": lambda text: parse_iam_name(text, "user"),
    "role-name": lambda text: parse_iam_name(text, "role"),
    "policy-name": lambda text: parse_iam_name(text, "policy"),
    "email": parse_email,
    "password": check_password,
}


@post("/check/{kind:str}", status_code=200)
async def check_field(request: HttpRequest, reader: Reader, kind: Segment) -> Response[str]:
    """Return what is wrong with a field, or nothing. What was typed is not in the answer unless
    the domain's message quotes it, and for a secret it never does."""
    read = _READ.get(kind)
    if read is None:
        raise NotFound(f"There is no field {kind[:40]!r} for {reader.caller.principal.email}.")
    form = await fields(request)
    text = form.get(form.get("field", ""), "")
    try:
        if text:
            read(text)
    except InvalidInput as error:
        return html("field_error.html", error=error)
    return html("field_error.html", error=None)


def refused(error: ValetkeyError, names: Mapping[str, str], *, otherwise: str) -> Response[str]:
    """Answer a form that can't be taken: the message goes beside its field, and the form stays as
    it is in the browser, secrets included. ``names`` maps the domain's names of fields to the
    form's; ``otherwise`` is the place for what belongs to no field."""
    field = names.get(str(error.details.get("field", "")), "")
    response = html("field_error.html", status=422, error=error)
    response.headers["HX-Retarget"] = f"#{field}-error" if field else f"#{otherwise}"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


ROUTES = (check_field,)
