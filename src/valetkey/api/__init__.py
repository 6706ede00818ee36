"""The REST API: routes parse and answer, services decide and do.

A resource is a module in ``routes`` (its handlers in a tuple ``ROUTES``) with its JSON shapes in
``wire``; ``routes/__init__`` lists the modules. Every route under ``/api/v1`` asks for a token
unless its handler says ``opt={PUBLIC: True}``.
"""

from valetkey.api.app import ApiOptions, create_app

__all__ = ["ApiOptions", "create_app"]
