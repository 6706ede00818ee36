"""Handing out credentials: one decision, at most one AssumeRole, one durable record.

``orders`` are what is asked for, ``places`` what is known of a location, ``warrants`` decisions,
``minting`` the call to STS; ``vending`` puts them in order, ``repeats`` are requests that come
again word for word, ``presigning`` makes URLs.
"""

from valetkey.services.vending.orders import Vended, VendRequest
from valetkey.services.vending.presigning import Presigned, Presigning, PresignRequest
from valetkey.services.vending.repeats import Answer, Repeats, Wording
from valetkey.services.vending.vending import Vending

__all__ = [
    "Answer",
    "PresignRequest",
    "Presigned",
    "Presigning",
    "Repeats",
    "VendRequest",
    "Vended",
    "Vending",
    "Wording",
]
