"""What an administrator does on the server's machine, before the first start or beside servers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from valetkey.bootstrap import bring_up_to_date, make_sealer, prepare_key, require_schema
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.config import Settings
from valetkey.crypto.keys import create_key_file
from valetkey.crypto.passwords import Argon2Passwords
from valetkey.domain.errors import Conflict
from valetkey.domain.ids import IdFactory
from valetkey.domain.people import check_password
from valetkey.domain.ports import Storage
from valetkey.domain.secret import Secret
from valetkey.identity.first_start import FirstOwner, initialize
from valetkey.identity.password_links import PasswordLinks
from valetkey.identity.passwords import PasswordCheck
from valetkey.services.audit import AuditLog
from valetkey.services.resealing import OnResealed, Resealed, Resealing, ignore_progress
from valetkey.system import SystemClock, SystemEntropy


async def first_start(
    settings: Settings, *, organization: str, email: str, password: Secret
) -> FirstOwner:
    """Make the key, the tables, the organisation and its owner.

    Raises Conflict when there is an installation already, ConfigurationError, InvalidInput,
    StorageUnavailable.
    """
    check_password(password.reveal())
    await bring_up_to_date(settings)
    clock, entropy = SystemClock(), SystemEntropy()
    storage = SqlCatalogStorage.at(settings.database)
    try:
        await _require_nothing_there(storage)
        prepare_key(settings)
        return await initialize(
            storage,
            make_sealer(settings, entropy),
            Argon2Passwords(),
            clock,
            entropy,
            IdFactory(clock, entropy),
            organization=organization,
            email=email,
            password=password,
        )
    finally:
        await storage.close()


async def _require_nothing_there(storage: Storage) -> None:
    """Before a key is made: one that is made beside an installation would be the wrong one."""
    async with storage.read() as work:
        if await work.installations.get() is not None:
            raise Conflict(
                "This database already has an organisation and its owner.",
                hint="Log in; or choose another database in the settings.",
            )


def make_sealing_key(path: Path) -> None:
    """Write a fresh key-encryption key to a private file. Raises ConfigurationError when there is
    one already."""
    create_key_file(path.expanduser(), SystemEntropy())


async def rotate_sealing_key(settings: Settings, told: OnResealed = ignore_progress) -> Resealed:
    """Move every stored secret to the present key-encryption key, while servers go on serving.

    ``told`` hears how many were moved so far. Raises ConfigurationError, SealBroken,
    StorageUnavailable; what was moved stays moved, and the next run goes on from there.
    """
    await require_schema(settings)
    entropy = SystemEntropy()
    sealer, storage = make_sealer(settings, entropy), SqlCatalogStorage.at(settings.database)
    try:
        return await Resealing(storage, sealer).run(told)
    finally:
        await sealer.close()
        await storage.close()


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A one-time password link: for whom, and until when it works."""

    email: str
    expires_at: datetime
    secret: Secret


async def make_password_link(settings: Settings, email: str) -> MadeLink:
    """Make a one-time password link on the server, beside servers that run.

    Raises ConfigurationError, NotFound, StorageUnavailable.
    """
    await require_schema(settings)
    clock, entropy = SystemClock(), SystemEntropy()
    storage = SqlCatalogStorage.at(settings.database)
    try:
        passwords = PasswordCheck(Argon2Passwords(), storage, clock)
        audit = AuditLog(storage, clock, IdFactory(clock, entropy))
        links = PasswordLinks(storage, passwords, audit, clock, entropy)
        link, secret = await links.create_on_server(email)
    finally:
        await storage.close()
    return MadeLink(email.strip().lower(), link.expires_at, secret)
