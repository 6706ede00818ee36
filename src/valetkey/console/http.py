"""The framework's request and response, as every page has them."""

from __future__ import annotations

from typing import Any, TypeAlias

from litestar import Request, Response

#: Pages read no user, no auth and no state from the framework: who asks is the reader.
HttpRequest: TypeAlias = Request[Any, Any, Any]
#: A page's text, a redirect, or nothing.
HttpResponse: TypeAlias = Response[Any]
