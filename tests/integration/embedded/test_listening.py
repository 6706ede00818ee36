"""The stand-in listens on loopback, at one port, and at nothing else."""

from __future__ import annotations

import psutil

from valetkey.embedded import EmbeddedAws


def test_it_listens_at_its_own_loopback_port_only(embedded_aws: EmbeddedAws) -> None:
    port = int(embedded_aws.endpoint.rpartition(":")[2])
    listening = [
        connection.laddr
        for connection in psutil.Process().net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert port in {address.port for address in listening}
    assert {address.ip for address in listening} <= {"127.0.0.1", "::1"}
