"""One connection: bytes that are no HTTP are refused as everything else is, in JSON."""

from __future__ import annotations

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from usherd import errors
from usherd.http import refusal

NO_HTTP = errors.GeneralArgumentInvalid(
    "This is no HTTP/1.1 request that can be read; a URL may have at most 65,535 bytes."
)


class Connection(HttpToolsProtocol):
    """What uvicorn does with a connection, but for the words of one refusal."""

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, and hang up."""
        status, headers, body = refusal(NO_HTTP)
        headers += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(line + head + b"\r\n" + body)
        self.transport.close()
