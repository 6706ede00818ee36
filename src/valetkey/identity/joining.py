"""Who joins an organisation: somebody new, somebody of elsewhere, or somebody who has left."""

from __future__ import annotations

from valetkey.domain.errors import InvalidInput
from valetkey.domain.people import User
from valetkey.domain.ports import UnitOfWork
from valetkey.identity.accounts import end_sign_ins


async def admit(work: UnitOfWork, address: str, new: User | None) -> User:
    """Return the user who joins, within a transaction. ``new`` is who they are if they are not
    known here, with their first password's hash (empty: they are sent a link).

    Somebody who belongs to nothing (any more) is new in all but name: no password, login, session,
    link or token from before is good. Raises InvalidInput: for somebody unknown without ``new``,
    and for a password for somebody who has one.
    """
    user = await work.users.by_email(address)
    belongs = user is not None and bool(await work.organizations.memberships(user.id))
    if user is not None and belongs:
        if new is not None:
            raise InvalidInput(
                f"{address} signs in here already, and a first password is for somebody new.",
                hint="Leave the password out; if theirs is forgotten, make a password link.",
                field="password",
            )
        return user
    if new is None:
        raise InvalidInput(
            f"{address} is not known here yet.",
            hint="Give a first password, to be changed by its owner.",
            field="password",
        )
    if user is None:
        await work.users.add(new)
        return new
    await work.known_sources.forget(user.id)
    return await end_sign_ins(work, user, new.password_hash)
