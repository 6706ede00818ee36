"""IAM as other stores answer it: their own bytes, from a server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from valetkey.aws.access_keys import BotoAccessKeys
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.domain.setup.observed import LONG_AGO, ObservedKey

#: SeaweedFS 4.53, word for word.
NO_DATES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListAccessKeysResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
    "<ListAccessKeysResult><AccessKeyMetadata><member><AccessKeyId>AKIA15846682DAC3D0C4"
    "</AccessKeyId><Status>Active</Status><UserName>valetkey</UserName></member>"
    "</AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult>"
    "<ResponseMetadata><RequestId>18EC402E4A0CAD0848FDF2A5</RequestId></ResponseMetadata>"
    "</ListAccessKeysResponse>"
)


@contextmanager
def answering(body: str) -> Iterator[str]:
    """Serve one answer to whatever is asked; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/xml")
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def test_keys_without_a_date_are_no_new_ones() -> None:
    key = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("a secret"))
    with answering(NO_DATES) as endpoint:
        keys = BotoAccessKeys(AwsSettings(iam_endpoint=endpoint))
        try:
            seen = await keys.list_keys(key, "arn:aws:iam::000000000000:user/valetkey")
        finally:
            keys.close()
    assert seen == [ObservedKey("AKIA15846682DAC3D0C4", active=True, created_at=LONG_AGO)]
