"""Server-rendered pages over the same services as the API."""

from valetkey.console.app import Console

__all__ = ["Console"]
