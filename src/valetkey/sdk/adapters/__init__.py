"""The libraries that people use with S3, each fed with credentials that renew themselves.

Every module here imports its library when it is asked for one, and says which extra to install
when it is not there.
"""

from __future__ import annotations

import importlib
from typing import Any

from valetkey.sdk.errors import MissingPackage


def require(module: str, extra: str) -> Any:
    """Import a library. Raises MissingPackage that names the extra."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise MissingPackage(
            f"The package {package} is not installed.",
            hint=f"Install it: pip install 'valetkey[{extra}]'.",
        ) from None
