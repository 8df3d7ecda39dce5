"""A call of the Bot API as a server reads it."""

import json
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from msgspec import Struct


class Call(Struct, frozen=True, kw_only=True):
    """A call that reached the server."""

    method: str
    fields: Mapping[str, str]
    files: Mapping[str, bytes]
    status: int

    def of(self, field: str) -> object:
        """Return a field that's JSON, decoded."""
        return json.loads(self.fields[field])


def form(body: bytes, content_type: str) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the fields and the files of a posted form."""
    if not content_type.startswith("multipart/"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True)), {}
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in message.iter_parts():
        name, content = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is not None:
            files[name] = content
        else:
            fields[name] = content.decode()
    return fields, files
