"""A process that rotates one integration's key and is there to be killed.

Usage: rotate_once.py DATA_DIR ENDPOINT ORG INTEGRATION
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from valetkey.bootstrap import open_services
from valetkey.config import Settings
from valetkey.domain.access import OrgRole, Principal
from valetkey.services.audit import Caller


async def main(folder: str, endpoint: str, org_id: str, integration_id: str) -> None:
    settings = Settings(
        data_dir=Path(folder), sts_endpoint=endpoint, iam_endpoint=endpoint, aws_read_timeout=60.0
    )
    roles = {org_id: OrgRole.OWNER}
    # As the schedule does it: by nobody's login.
    caller = Caller(Principal("", "ada@example.com", org_roles=roles))
    async with open_services(settings) as services:
        rotation = await services.rotations.start(caller, integration_id)
        await services.rotations.advance(rotation.id)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
