"""What messages are made of on OpenAI's wire: words, and files as data, never an address to fetch."""

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hub.errors import BadRequest
from hub.flow.uploads import named, typed
from hub.records import File, Part, PersonId, TenantId, Text
from hub.web.services import Services

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
MOST = 20
"""Files of one message."""
_DATA = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,")


class TextPart(Struct, frozen=True, tag_field="type", tag="text"):
    """Something said."""

    text: str


class ImageUrl(Struct, frozen=True):
    """A picture."""

    url: str
    """`data:image/png;base64,...`: nothing is fetched."""
    detail: str | None = None


class ImagePart(Struct, frozen=True, tag_field="type", tag="image_url"):
    """A picture that came along."""

    image_url: ImageUrl


class FileData(Struct, frozen=True):
    """A file's bytes."""

    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None


class FilePart(Struct, frozen=True, tag_field="type", tag="file"):
    """A file that came along."""

    file: FileData


class AudioPart(Struct, frozen=True, tag_field="type", tag="input_audio"):
    """Sound, which isn't taken here."""


class RefusalPart(Struct, frozen=True, tag_field="type", tag="refusal"):
    """Something that a model wouldn't do."""

    refusal: str


class InputText(Struct, frozen=True, tag_field="type", tag="input_text"):
    """Something said, as /v1/responses has it."""

    text: str


class OutputText(Struct, frozen=True, tag_field="type", tag="output_text"):
    """Something answered."""

    text: str


class InputImage(Struct, frozen=True, tag_field="type", tag="input_image"):
    """A picture that came along."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(Struct, frozen=True, tag_field="type", tag="input_file"):
    """A file that came along."""

    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None
    file_url: str | None = None


AnyPart = TextPart | ImagePart | FilePart | AudioPart | RefusalPart | InputText | OutputText | InputImage | InputFile
Content = str | Annotated[list[AnyPart], Meta(max_length=1_000)]


class Inline(Struct, frozen=True, kw_only=True):
    """A file that came in the request itself."""

    name: str
    media_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """What it's known by."""
        return sha256(self.data).hexdigest()


class Line(Struct, frozen=True, kw_only=True):
    """One thing said in a conversation as a program tells it."""

    role: Literal["user", "assistant", "tool"]
    text: str
    files: tuple[Inline, ...] = ()
    call: str = ""
    """The id of the call that was asked for, or that it's the result of."""


def read(content: Content | None, field: str) -> tuple[str, tuple[Inline, ...]]:
    """Return the words and the files of a message; raises BadRequest for what can't be taken."""
    if content is None or isinstance(content, str):
        return content or "", ()
    texts: list[str] = []
    files: list[Inline] = []
    for at, part in enumerate(content):
        match part:
            case TextPart() | InputText() | OutputText():
                texts.append(part.text)
            case RefusalPart():
                texts.append(part.refusal)
            case _:
                files.append(_inline(part, f"{field}[{at}]", len(files)))
    if len(files) > MOST:
        raise BadRequest(field, f"has {len(files)} files; at most {MOST} fit into a message")
    return "\n".join(texts), tuple(files)


def _inline(part: ImagePart | InputImage | FilePart | InputFile | AudioPart, where: str, nth: int) -> Inline:
    match part:
        case ImagePart():
            return _picture(part.image_url.url, f"{where}.image_url.url", nth)
        case InputImage():
            return _picture(part.image_url or "", f"{where}.image_url", nth)
        case FilePart():
            return _file(part.file.file_data, part.file.filename, f"{where}.file.file_data")
        case InputFile():
            return _file(part.file_data, part.filename, f"{where}.file_data")
        case AudioPart():
            raise BadRequest(where, "sound isn't taken here; send it to /v1/messages as a file")


async def kept_parts(services: Services, tenant: TenantId, person: PersonId, lines: Sequence[Line]) -> tuple[Part, ...]:
    """Return what's said as a message has it, its files kept durably; raises TooLarge and StoreUnavailable."""
    parts: list[Part] = []
    for line in lines:
        parts += [await _kept(services, tenant, person, file) for file in line.files]
        if line.text:
            parts.append(Text(line.text))
    return tuple(parts)


async def _kept(services: Services, tenant: TenantId, person: PersonId, file: Inline) -> File:
    return await services.uploads.keep(tenant, person, file.name, file.media_type, file.data)


def _picture(url: str, field: str, nth: int) -> Inline:
    kind, data = _bytes(url, field)
    if kind not in PICTURES:
        raise BadRequest(field, f"is {kind}; send one of {', '.join(PICTURES)}")
    return Inline(name=f"image-{nth + 1}.{SUFFIX[kind]}", media_type=kind, data=data)


def _file(data: str | None, name: str | None, field: str) -> Inline:
    kind, found = _bytes(data or "", field)
    return Inline(name=named(name or "file"), media_type=kind, data=found)


def _bytes(url: str, field: str) -> tuple[str, bytes]:
    found = _DATA.match(url)
    if found is None:
        raise BadRequest(field, "must be the file itself, as data:TYPE;base64,...: the hub fetches no address for you")
    try:
        data = b64decode(url[found.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(field, "isn't base64") from None
    if not data:
        raise BadRequest(field, "is empty")
    return typed(found["kind"]), data
