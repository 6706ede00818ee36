"""The catalog's part of the own API."""

from valetkey.catalog.api.routes import catalog_routes

__all__ = ["catalog_routes"]
