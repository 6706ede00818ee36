"""The own API, at ``/v1``: strict and described.

An operation is declared in :mod:`valetkey.wire`; what answers it is a handler in ``routes``. All
that operations share happens here once: who asks, the query and the body read strictly, If-Match,
Idempotency-Key, one shape of lists and of errors, HEAD and OPTIONS, and the API's description.
"""

from valetkey.api.v1.app import PREFIX, OwnApi
from valetkey.api.v1.routes import ROUTES

__all__ = ["PREFIX", "ROUTES", "OwnApi"]
