"""Handing out credentials: one decision, at most one AssumeRole, one durable record.

``orders`` are what is asked for, ``places`` what is known of a driver, ``warrants`` decisions,
``minting`` the call to STS; ``vending`` puts them in order, ``presigning`` makes URLs of them.
"""

from valetkey.services.vending.orders import Vended, VendRequest
from valetkey.services.vending.presigning import Presigned, Presigning, PresignRequest
from valetkey.services.vending.vending import Vending

__all__ = ["PresignRequest", "Presigned", "Presigning", "VendRequest", "Vended", "Vending"]
