"""``valetkey demo``: the whole way, from nothing to a refused read, on an embedded AWS.

``world`` starts the AWS and a server, ``setting_up`` walks the reference page, ``using`` tries what
was handed out, ``example`` has the data, ``story`` prints.
"""

from valetkey.cli.demo.command import demo

__all__ = ["demo"]
