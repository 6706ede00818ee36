"""Server-rendered pages over the same services as the API."""

from valetkey.console.app import console_routes

__all__ = ["console_routes"]
