"""The fast path: plain ASGI in front of the framework, for what programs ask all day.

One authentication, one decision, one audit row, and nothing else. Its operations are
declared in ``valetkey.wire.credentials``; here they are answered.
"""

from valetkey.api.fast.routing import FastPath

__all__ = ["FastPath"]
