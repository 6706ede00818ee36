"""Settings -> Services: the one place where parts are wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from valetkey.aws.access_keys import BotoAccessKeys, BotoRolePolicies
from valetkey.aws.objects import S3ObjectStore
from valetkey.aws.settings import AwsSettings
from valetkey.aws.sts import AwsSts
from valetkey.catalog.dataloop.wire.exports import DATALOOP, dataloop_line
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.engines.ray import RayEngine, RaySettings
from valetkey.catalog.services.datasets import Datasets
from valetkey.catalog.services.datasets.engines import Engines
from valetkey.catalog.services.items import make_items
from valetkey.catalog.services.items.parts import make_parts
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.catalog.services.registry import Catalog
from valetkey.catalog.services.wiring import make_work
from valetkey.config import Settings, environment
from valetkey.crypto.custody import open_sealer
from valetkey.crypto.keys import create_key_file
from valetkey.crypto.passwords import Argon2Passwords
from valetkey.crypto.sealing import EnvelopeSealer
from valetkey.crypto.tokens import JwtTokens
from valetkey.db.engine import database_file
from valetkey.db.schema import SchemaState, migrate, require_known, schema_state
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ConfigurationError, SealBroken
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import (
    AccessKeys,
    Clock,
    Entropy,
    ObjectStore,
    Passwords,
    Pool,
    RolePolicies,
    Sealer,
    Storage,
    Sts,
    TokenSigner,
)
from valetkey.domain.secret import Secret
from valetkey.identity.accounts import Accounts
from valetkey.identity.authentication import Authentication
from valetkey.identity.first_start import token_key_context
from valetkey.identity.leaving import Leaving
from valetkey.identity.password_links import PasswordLinks
from valetkey.identity.passwords import PasswordCheck
from valetkey.identity.principals import Principals
from valetkey.identity.service_accounts import ServiceAccounts
from valetkey.identity.sessions import BrowserSessions
from valetkey.identity.token_uses import TokenUses
from valetkey.identity.tokens import ApiTokens
from valetkey.services import registry
from valetkey.services.audit import AuditLog
from valetkey.services.caches import Caches
from valetkey.services.grants import Grants
from valetkey.services.health import Health, StsState, Watched
from valetkey.services.idempotency import Idempotency
from valetkey.services.integrations import Integrations
from valetkey.services.locations import Locations
from valetkey.services.people import People
from valetkey.services.revocation import Leases, RevocationRight
from valetkey.services.revocation.blocks import BlockList
from valetkey.services.rotation import Rotations
from valetkey.services.scheduler import Scheduler
from valetkey.services.setup_watch import SetupWatch
from valetkey.services.vending import Presigning, Vending
from valetkey.services.verification import Verifier
from valetkey.system import SystemClock, SystemEntropy


@dataclass(frozen=True, slots=True)
class WiredServices(registry.Services):
    """The broker's services, and the catalog on top of them."""

    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the services stand on: ports only, so that tests put doubles in their place."""

    clock: Clock
    entropy: Entropy
    new_id: IdFactory
    storage: CatalogStorage
    sealer: Sealer
    passwords: Passwords
    tokens: TokenSigner
    sts: Sts
    objects: ObjectStore
    access_keys: AccessKeys
    role_policies: RolePolicies
    #: Syncs and duties are done here.
    works: bool = True
    #: No other process works on this database.
    alone: bool = False
    #: Where clients find S3 if it is not AWS's own, for what they are given.
    s3_endpoint: str = ""
    origin: str = ""
    #: Clusters that syncs may be given to, if the server knows any.
    ray: RaySettings | None = None


def make_sealer(settings: Settings, entropy: Entropy) -> EnvelopeSealer:
    """Return the sealer of the configured keys. Raises ConfigurationError."""
    return open_sealer(
        (settings.key_place, *settings.previous_keys),
        environment(),
        entropy,
        identity=aws_settings(settings).own_key,
        kms_endpoint=settings.kms_endpoint,
    )


def prepare_key(settings: Settings) -> bool:
    """Make the key file on a first start; tell whether it was made. Raises ConfigurationError."""
    scheme, _, place = settings.key_place.partition(":")
    path = Path(place).expanduser()
    if scheme != "file" or path.exists():
        return False
    create_key_file(path, SystemEntropy())
    return True


def _make_data_folder(settings: Settings) -> None:
    try:
        settings.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {settings.data_folder} can't be made: {error.strerror}.",
            hint="Choose another (the setting data_dir), or make it for the server's own user.",
        ) from None


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[WiredServices]:
    """Wire everything and, at the end, close it.

    Raises ConfigurationError (key missing or of another installation, database not migrated or
    not initialised), StorageUnavailable.
    """
    if settings.migrate_on_start:
        await bring_up_to_date(settings)
    schema = await require_schema(settings)
    clock, entropy = SystemClock(), SystemEntropy()
    sealer = make_sealer(settings, entropy)
    aws, connections = aws_settings(settings), settings.database_connections
    storage = SqlCatalogStorage.at(settings.database, connections=connections, clock=clock)
    access_keys, role_policies = BotoAccessKeys(aws), BotoRolePolicies(aws)
    sts, objects = AwsSts(aws, clock, entropy), S3ObjectStore(aws, clock, entropy)
    try:
        await require_keys(storage, sealer)
        services = wire(
            Parts(
                clock=clock,
                entropy=entropy,
                new_id=IdFactory(clock, entropy),
                storage=storage,
                sealer=sealer,
                passwords=Argon2Passwords(),
                tokens=await open_tokens(storage, sealer),
                sts=sts,
                objects=objects,
                access_keys=access_keys,
                role_policies=role_policies,
                works=settings.works,
                alone=settings.database.startswith("sqlite"),
                s3_endpoint=settings.s3_endpoint,
                origin=settings.public_url.rstrip("/"),
                ray=_ray_settings(settings, schema),
            )
        )
        async with services.catalog.sync_worker.running() if settings.works else nullcontext():
            yield services
    finally:
        await sts.close()
        await objects.close()
        await sealer.close()
        access_keys.close()
        role_policies.close()
        await storage.close()


def aws_settings(settings: Settings) -> AwsSettings:
    """Return what the AWS adapters need to know."""
    return AwsSettings(
        sts_endpoint=settings.sts_endpoint,
        iam_endpoint=settings.iam_endpoint,
        s3_endpoint=settings.s3_endpoint,
        region=settings.aws_region,
        connect_timeout=settings.aws_connect_timeout,
        read_timeout=settings.aws_read_timeout,
        sts_seconds=settings.aws_sts_seconds,
        allowed_hosts=settings.allowed_endpoint_hosts,
        own_key=(
            AccessKey(settings.own_access_key_id, settings.own_secret_access_key)
            if settings.own_access_key_id
            else None
        ),
    )


def wire(parts: Parts) -> WiredServices:
    """Put the services together."""
    storage, sealer, sts, stores = parts.storage, parts.sealer, parts.sts, parts.objects
    quick, heavy = storage.through(Pool.VENDING), storage.through(Pool.HEAVY)
    clock, new_id = parts.clock, parts.new_id
    passwords = PasswordCheck(parts.passwords, storage, clock)
    audit = AuditLog(heavy, clock, new_id)
    caches, sts_seen = Caches(), StsState()
    storage.listen(caches)
    authentication = Authentication(quick, parts.tokens, clock)
    accounts = Accounts(storage, passwords, parts.tokens, authentication, audit, clock)
    tokens = ApiTokens(storage, parts.tokens, audit, clock, parts.entropy, new_id)
    uses = TokenUses(storage, clock)
    principals = Principals(authentication, uses, clock, caches)
    vending = Vending(
        *(quick, sealer, sts, audit, principals, sts_seen, caches, clock, new_id),
        s3_endpoint=parts.s3_endpoint,
    )
    verifier = Verifier(
        sts,
        stores,
        clock,
        new_id,
        origin=parts.origin,
        later=[RevocationRight(parts.role_policies, clock)],
    )
    leases = Leases(storage, sealer, sts, stores, parts.role_policies, audit, clock, new_id)
    locations = Locations(storage, sealer, sts, stores, verifier, leases, audit, clock, new_id)
    leaving = Leaving(storage, tokens, leases, clock)
    rotations = Rotations(
        storage, sealer, sts, parts.access_keys, audit, clock, parts.entropy, new_id
    )
    datasets = Datasets(heavy, locations, audit, clock, new_id)
    with_items = make_parts(heavy, sealer, stores, vending, audit, clock, new_id)
    items = make_items(with_items)
    work = make_work(
        with_items,
        datasets=datasets,
        items=items,
        alone=parts.alone,
        clusters=partial(_clusters, parts, heavy),
        forms={DATALOOP: dataloop_line},
    )
    scheduler = Scheduler(
        storage,
        rotations,
        leases,
        clock,
        parts.entropy,
        works=parts.works,
        own={"token uses": uses.store, "refusals": audit.write_left_out},
    )
    watched: dict[str, Watched] = {"worker": scheduler}
    if parts.works:
        watched["syncs"] = work.worker
    return WiredServices(
        accounts=accounts,
        audit=audit,
        authentication=authentication,
        blocks=BlockList(storage, audit, clock, new_id),
        caches=caches,
        clock=clock,
        locations=locations,
        grants=Grants(storage, audit, clock, new_id),
        health=Health(storage, clock, audit, sts_seen, watched),
        idempotency=Idempotency(storage, sealer, clock, new_id),
        integrations=Integrations(storage, sealer, verifier, audit, clock, new_id),
        leases=leases,
        password_links=PasswordLinks(storage, passwords, audit, clock, parts.entropy),
        people=People(storage, passwords, leaving, audit, clock, new_id),
        service_accounts=ServiceAccounts(storage, tokens, leaving, audit, clock, new_id),
        sessions=BrowserSessions(
            storage, accounts, authentication, audit, clock, parts.entropy, new_id
        ),
        setup_watch=SetupWatch(storage, sealer, sts, stores, audit),
        presigning=Presigning(vending, audit, clock),
        principals=principals,
        rotations=rotations,
        scheduler=scheduler,
        tokens=tokens,
        vending=vending,
        catalog=Catalog(
            clones=work.clones,
            datasets=datasets,
            items=items,
            exports=work.exports,
            syncs=work.syncs,
            sync_worker=work.worker,
        ),
    )


def _clusters(parts: Parts, storage: CatalogStorage, sessions: Sessions) -> Engines:
    if parts.ray is None:
        return {}
    return {"ray": RayEngine(parts.ray, storage, sessions, parts.clock, parts.new_id)}


def _ray_settings(settings: Settings, schema: str) -> RaySettings:
    return RaySettings(
        addresses=settings.ray_addresses,
        token_file=settings.ray_token_file,
        insecure=settings.ray_insecure,
        database=settings.ray_database_url or Secret(settings.database),
        aws=aws_settings(settings),
        version=version("valetkey"),
        schema=schema,
        environment=environment(),
    )


async def bring_up_to_date(settings: Settings) -> SchemaState:
    """Bring the database to this version; return what it was before.

    Raises ConfigurationError, StorageUnavailable.
    """
    _make_data_folder(settings)
    return await migrate(settings.database)


async def require_schema(settings: Settings) -> str:
    """See that the database has the tables of this version; return it. Raises
    ConfigurationError."""
    file = database_file(settings.database)
    if file is not None and not file.exists():  # SQLite would make an empty one
        raise ConfigurationError(
            f"There is no database {file} yet.",
            hint="On a first start run 'valetkey init'; otherwise check the database URL.",
        )
    state = await schema_state(settings.database)
    if state.present is None:
        raise ConfigurationError(
            "The database has no tables yet.",
            hint="On a first start run 'valetkey init'; otherwise check the database URL.",
        )
    require_known(state)
    if not state.current:
        raise ConfigurationError(
            f"The database is at version {state.present}, and this server needs {state.needed}.",
            hint="Run 'valetkey migrate', or start with migrate_on_start.",
        )
    return state.needed


async def require_keys(storage: Storage, sealer: EnvelopeSealer) -> None:
    """See that every key-encryption key that is in use is there.

    Raises ConfigurationError, naming those that are missing.
    """
    async with storage.read() as work:
        usage = await work.sealed.usage()
    missing = sorted(set(usage) - sealer.key_ids)
    if missing:
        count = sum(usage[key_id] for key_id in missing)
        raise ConfigurationError(
            f"{count} of {sum(usage.values())} stored secrets were sealed with a key-encryption "
            f"key that this server does not have: {', '.join(missing)}. Without it they do not "
            "open.",
            hint="Name the right key in the settings ('key', and earlier ones in "
            "'previous_keys'), or restore it from its backup. If it is lost, start anew with "
            "'valetkey init' on another database and enter the secrets again. Nothing was "
            "changed.",
        )


async def open_tokens(storage: Storage, sealer: EnvelopeSealer) -> JwtTokens:
    """Open the key that signs tokens: what a wrong key-encryption key is noticed by.

    Raises ConfigurationError.
    """
    async with storage.read() as work:
        installation = await work.installations.get()
    if installation is None:
        raise ConfigurationError(
            "The database has no organisation yet.", hint="Run 'valetkey init'."
        )
    try:
        key = await sealer.open(installation.sealed_token_key, token_key_context(installation.id))
    except SealBroken as error:
        raise ConfigurationError(
            f"The key-encryption key does not open this database. {error.message}",
            hint=f"{error.hint} Or name another key in the settings ('key'). Nothing was changed.",
        ) from error
    return JwtTokens(key, installation.id)
