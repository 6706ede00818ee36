"""A user's endpoint by TLS: the connection goes to a vetted address, under the name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.aws import REGION
from support.own_aws import MakeOwnAws, settings_for
from valetkey.aws.direct import DirectConnections
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.ports import BucketPlace
from valetkey.domain.secret import Secret

KEY = AccessKey("AKIAAAAAAAAAAAAAAAAA", Secret("x" * 40))
NAME = "store.example"
EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


def certificate(folder: Path, name: str) -> Path:
    """A certificate of a name, that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@dataclass
class Store:
    """A store behind TLS: what names it was asked for."""

    port: int = 0
    server_names: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[Store]:
    store = Store()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def note(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        store.server_names.append(name or "")

    context.sni_callback = note

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        store.hosts += [line[6:] for line in head.splitlines() if line.lower().startswith("host: ")]
        length = f"Content-Length: {len(EMPTY)}\r\nConnection: close\r\n\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{length}".encode() + EMPTY)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        store.port = server.sockets[0].getsockname()[1]
        yield store


async def list_at(make: MakeOwnAws, store: Store) -> object:
    settings = replace(settings_for(""), allowed_hosts=(NAME,))
    own = make(settings, lambda host, port: ["127.0.0.1"])  # noqa: ARG005
    place = BucketPlace("bucket", REGION, f"https://{NAME}:{store.port}")
    return await own.open(KEY, place).list_some("")


async def test_the_name_that_was_entered_is_what_tls_asks_for_and_checks(
    make_own_aws: MakeOwnAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = certificate(tmp_path, NAME)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    async with serving(file) as store:
        assert await list_at(make_own_aws, store) == []
        assert store.server_names == [NAME]
        assert store.hosts == [f"{NAME}:{store.port}"]


async def test_a_certificate_of_another_name_is_not_taken(
    make_own_aws: MakeOwnAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = certificate(tmp_path, "other.example")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    async with serving(file) as store:
        with pytest.raises(AwsUnavailable):
            await list_at(make_own_aws, store)
        assert store.hosts == []


async def test_a_certificate_that_nobody_vouches_for_is_not_taken(
    make_own_aws: MakeOwnAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    async with serving(certificate(tmp_path, NAME)) as store:
        with pytest.raises(AwsUnavailable):
            await list_at(make_own_aws, store)
        assert store.hosts == []


async def test_sts_is_asked_by_tls_and_only_whom_the_authorities_vouch_for(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def ask(trusted: Path | None, name: str, port: int) -> bytes:
        context = ssl.create_default_context(cafile=trusted)
        direct = DirectConnections(context, 10)
        try:
            url = f"https://{name}:{port}/"
            return (await asyncio.wait_for(direct.post(url, {}, b"", most=10), 10)).body
        finally:
            await direct.close()

    file = certificate(tmp_path, "localhost")
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(file)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=own) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask(file, "localhost", port) == b"ok"
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(file, "127.0.0.1", port)
        with pytest.raises(ssl.SSLCertVerificationError):
            await ask(None, "localhost", port)
