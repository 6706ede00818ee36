"""An s3fs file system of a driver. Imported only where s3fs is installed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiobotocore.credentials import AioDeferredRefreshableCredentials
from aiobotocore.session import get_session
from s3fs import S3FileSystem

from valetkey.sdk.adapters.botocore import NAME, metadata

if TYPE_CHECKING:
    from valetkey.sdk.driver import Source


class DriverFileSystem(S3FileSystem):  # type: ignore[misc]  # s3fs has no types
    """s3fs over a source. It pickles as the source that it was made from."""

    #: fsspec keeps instances by their arguments; one with other credentials is another one.
    cachable = False

    def __init__(self, source: Source) -> None:
        info = source.info
        super().__init__(
            session=_session(source),
            endpoint_url=info.endpoint or None,
            client_kwargs={"region_name": info.region} if info.region else {},
        )


def _session(source: Source) -> Any:
    async def refresh() -> dict[str, str]:
        return metadata(await asyncio.to_thread(source.current))

    async def load() -> Any:
        return AioDeferredRefreshableCredentials(refresh, NAME)

    session = get_session()
    provider = SimpleNamespace(METHOD=NAME, CANONICAL_NAME=NAME, load=load)
    session.get_component("credential_provider").insert_before("env", provider)
    return session
