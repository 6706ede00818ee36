"""IAM over botocore: whatever it does, a call ends in time."""

from __future__ import annotations

import asyncio

import pytest

from valetkey.aws.access_keys import BotoAccessKeys
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.secret import Secret

KEY = AccessKey("AKIAEXAMPLE", Secret("s" * 40))
USER = "arn:aws:iam::111122223333:user/ada"


async def test_an_iam_that_trickles_is_given_up_within_the_deadline() -> None:
    over = asyncio.Event()
    trickling: list[asyncio.Task[None] | None] = []

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trickling.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not over.is_set():
            writer.write(b" ")
            await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = AwsSettings(iam_endpoint=f"http://127.0.0.1:{port}", iam_seconds=0.3)
        keys = BotoAccessKeys(settings)
        with pytest.raises(AwsUnavailable, match=r"within 0\.3 seconds"):
            await asyncio.wait_for(keys.list_keys(KEY, USER), 10)
        over.set()
        # The thread is let go by the call, and by the server; nothing of it outlives the test.
        await asyncio.to_thread(keys._clients._pool.shutdown)
        await asyncio.wait([task for task in trickling if task])
        keys.close()
