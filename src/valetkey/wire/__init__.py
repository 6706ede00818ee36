"""The own REST API's shapes and operations: one definition, for the server, the client library and
the command line. It imports nothing else of Valetkey.

A noun is a module: its shapes, and its operations in ``OPERATIONS``.
"""

from typing import Any, Final

from valetkey.wire import integrations
from valetkey.wire.operation import Operation

#: Every operation of the API, in the order of its description.
OPERATIONS: Final[tuple[Operation[Any, Any, Any], ...]] = (*integrations.OPERATIONS,)
#: What each tag's operations are about.
TAGS: Final = {
    "integrations": "The trust with an account at AWS or with a store.",
}
