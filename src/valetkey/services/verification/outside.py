"""The negative probes: what a session must be refused. As important as what it is granted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from valetkey.domain.diagnosis import Layer, Names, fixes
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused
from valetkey.domain.location import Location
from valetkey.domain.verification import PROBE_PREFIX
from valetkey.services.buckets import OpenBucket
from valetkey.services.verification.checklist import Checklist, Claim, Explanation

_WHOLE_BUCKET: Final = "The location has the whole bucket, so there is no outside."
#: What is wrong where such a folder is refused.
ODD_NAMES: Final = (
    "The store does not understand how policies write the letters *, ? and $ of a name (${*}): "
    "folders whose names hold them can't be opened here. Nothing is opened too far."
)
_IGNORES: Final = "The store ignores session policies: don't hand out credentials for it."


async def check_outside(
    checks: Checklist, claim: Claim, store: OpenBucket, location: Location, nonce: str
) -> None:
    """See that a session for the location's folder is refused to list, read, write and delete
    beside it. Nothing is written: see ``ObjectStore.may_put``."""
    if checks.stopped or not location.prefix:
        checks.skip(claim, checks.stopped or _WHOLE_BUCKET)
        return
    folder = f"{PROBE_PREFIX}outside-{nonce}/"

    async def probe() -> None:
        opened = await _opened(store, folder)
        if opened:
            raise AwsRefused(
                f"A session confined to {location.prefix} could {' and '.join(opened)} outside it.",
                hint=_IGNORES,
                layer=Layer.SESSION,
            )

    await checks.check(claim, probe)


async def check_scope(
    checks: Checklist,
    claim: Claim,
    reader: Callable[[], Awaitable[OpenBucket]],
    location: Location,
    nonce: str,
) -> None:
    """See that a session that may list and read is refused to write and delete in the folder."""
    if checks.stopped:
        checks.skip(claim, checks.stopped)
        return
    key = f"{location.prefix}{PROBE_PREFIX}scope-{nonce}"

    async def probe() -> None:
        store = await reader()
        opened = ["write"] if await store.may_put(key) else []
        if await _allowed(store.delete(key)):
            opened.append("delete")
        if opened:
            raise AwsRefused(
                f"A session that may only read could {' and '.join(opened)}.",
                hint=_IGNORES,
                layer=Layer.SESSION,
            )

    await checks.check(claim, probe)


async def check_width(
    checks: Checklist,
    claim: Claim,
    whole: OpenBucket | None,
    location: Location,
    nonce: str,
    names: Names,
) -> None:
    """See whether the role, without a session policy, opens more than the location's folder."""
    if checks.stopped or whole is None or not location.prefix:
        checks.skip(claim, checks.stopped or _WHOLE_BUCKET)
        return
    folder = f"{PROBE_PREFIX}outside-{nonce}/"
    attempt = await checks.attempt(lambda: _opened(whole, folder))
    if attempt.value:
        cause = (
            f"The role itself may {' and '.join(attempt.value)} outside {location.prefix}: "
            "Valetkey narrows every session, and whoever gets at the user's key does not."
        )
        fix = (
            "If nothing else uses the role, take its wider policy away and give it this one.\n"
            f"{fixes.allow_access(names)}"
        )
        checks.fail(claim, Explanation(cause, fix, Layer.IDENTITY), seconds=attempt.seconds)
    else:
        checks.judge(claim, attempt)


async def check_odd_names(
    checks: Checklist,
    claim: Claim,
    opened: Callable[[str], Awaitable[OpenBucket]],
    location: Location,
    nonce: str,
) -> None:
    """See that a folder whose name holds letters with a meaning in policies can be opened. Nothing
    is written: see ``ObjectStore.may_put``."""
    if checks.stopped:
        checks.skip(claim, checks.stopped)
        return
    folder = f"{location.prefix}{PROBE_PREFIX}odd-{nonce} $*?/"

    async def probe() -> bool:
        return await (await opened(folder)).may_put(f"{folder}x")

    attempt = await checks.attempt(probe)
    if attempt.value is False:
        fix = "Give such folders other names, or ask for the folder above them."
        checks.fail(claim, Explanation(ODD_NAMES, fix, Layer.SESSION), seconds=attempt.seconds)
    else:
        checks.judge(claim, attempt)


def is_odd(folder: str) -> bool:
    """Tell whether a folder's name holds letters that policies must escape."""
    return any(letter in folder for letter in "*?$")


async def _opened(store: OpenBucket, folder: str) -> list[str]:
    """Return what a store lets in below a folder in which nothing is."""
    key = f"{folder}x"
    found = {
        "list": await _allowed(store.list_some(folder, limit=1)),
        "read": await _allowed(store.get(key)),
        "write": await store.may_put(key),
        "delete": await _allowed(store.delete(key)),
    }
    return [word for word, opened in found.items() if opened]


async def _allowed(call: Awaitable[object]) -> bool:
    """Tell whether S3 lets a call in. That an object is not there says that it looked."""
    try:
        await call
    except AwsRefused as refused:
        if refused.details.get("aws_code") in ACCESS_DENIED:
            return False
        if refused.details.get("aws_code") in {"NoSuchKey", "404"}:
            return True
        raise
    return True
