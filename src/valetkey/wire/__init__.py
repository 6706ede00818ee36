"""The own REST API's shapes and operations: one definition, for the server, the client library and
the command line. It imports nothing else of Valetkey.

A noun is a module: its shapes, and its operations in ``OPERATIONS``.
"""

from typing import Any, Final

from valetkey.wire import (
    accounts,
    audit,
    catalog,
    contents,
    credentials,
    grants,
    groups,
    integrations,
    leases,
    locations,
    matching,
    objects,
    orgs,
    projects,
    rotations,
    service_accounts,
    tokens,
    work,
)
from valetkey.wire.operation import Operation

#: Every operation of the API, in the order of its description.
OPERATIONS: Final[tuple[Operation[Any, Any, Any], ...]] = (
    *accounts.OPERATIONS,
    *tokens.OPERATIONS,
    *orgs.OPERATIONS,
    *projects.OPERATIONS,
    *service_accounts.OPERATIONS,
    *groups.OPERATIONS,
    *integrations.OPERATIONS,
    *rotations.OPERATIONS,
    *locations.OPERATIONS,
    *grants.OPERATIONS,
    *credentials.OPERATIONS,
    *leases.OPERATIONS,
    *audit.OPERATIONS,
    *catalog.OPERATIONS,
    *objects.OPERATIONS,
    *contents.OPERATIONS,
    *matching.OPERATIONS,
    *work.OPERATIONS,
)
#: What each tag's operations are about.
TAGS: Final = {
    "accounts": "Who is asking, and logins.",
    "tokens": "API tokens: what programs show.",
    "orgs": "Organisations and their members.",
    "service-accounts": "Programs that are nobody's person.",
    "groups": "Some members of an organisation under one name, for grants.",
    "projects": "Projects and their members.",
    "integrations": "The trust with an account at AWS or with a store.",
    "rotations": "Replacing an integration's access key, proven before it is used.",
    "locations": "Buckets, or folders of them, that may be opened through an integration.",
    "grants": "What people and groups may have of a location, whatever their role.",
    "credentials": "Temporary credentials and presigned URLs.",
    "leases": "The records of vended sessions.",
    "revocations": "Ending leases, and refusing new ones.",
    "audit": "Who did what, chained by hashes.",
    "datasets": "Indexes over locations.",
    "objects": "The entries of datasets.",
    "operations": "Work that takes time.",
}
