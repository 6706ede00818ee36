"""`valetkey setup aws`: the AWS side, set up from the administrator's machine.

The administrator's AWS credentials are used here and sent to AWS alone, never to a server.
"""

from valetkey.cli.setup.commands import app

__all__ = ["app"]
