"""The hot routes: plain ASGI in front of the framework, for what programs ask all day.

One authentication, one decision, one audit row, and nothing else. The routes are described for
OpenAPI in ``valetkey.api.routes.credentials``; here they are answered.
"""

from valetkey.api.hot.routing import HotRoutes

__all__ = ["HotRoutes"]
