"""What strangers made is read by a process of its own: whatever it holds, one call fails at most."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from hub.errors import ToolError
from hub.tools import extract
from hub.tools.extract import BYTES, CHARACTERS, Extractor, Job
from hub.tools.parsing import kind_of, parsed
from tests.house.tree import ROOT


@pytest.fixture
async def extractor() -> AsyncIterator[Extractor]:
    made = Extractor()
    yield made
    await made.close()


def pid(extractor: Extractor) -> int:
    process = extractor._process
    assert process is not None
    return process.pid


async def test_one_process_reads_one_file_after_another(extractor: Extractor) -> None:
    assert (await extractor.read(b"one\r\ntwo", "text/plain")).text == "one\ntwo"
    first = pid(extractor)
    assert (await extractor.read(b"a,b\n1,2", "text/csv")).text == "a | b\n1 | 2"
    assert pid(extractor) == first


async def test_it_has_no_secret_no_file_and_no_network_of_ours(extractor: Extractor) -> None:
    os.environ["AGENTHOST_OWNER_KEY"] = "ah_secret"
    try:
        await extractor.read(b"x", "text/plain")
    finally:
        del os.environ["AGENTHOST_OWNER_KEY"]
    with open(f"/proc/{pid(extractor)}/environ", "rb") as file:
        assert b"ah_secret" not in file.read()
    with open(f"/proc/{pid(extractor)}/limits", encoding="ascii") as file:
        limits = {line[:25].strip(): line[25:46].strip() for line in file.read().splitlines()[1:]}
    assert limits["Max file size"] == limits["Max core file size"] == "0"
    assert int(limits["Max address space"]) < 2 << 30


async def test_where_the_kernel_lets_it_it_leaves_the_network(extractor: Extractor) -> None:
    await extractor.read(b"x", "text/plain")
    if os.geteuid() and os.readlink(f"/proc/{pid(extractor)}/ns/net") == os.readlink("/proc/self/ns/net"):
        pytest.skip("no user namespaces for ordinary users here")

    assert os.readlink(f"/proc/{pid(extractor)}/ns/net") != os.readlink("/proc/self/ns/net")


async def test_a_process_that_hangs_or_dies_costs_one_call() -> None:
    extractor = Extractor(seconds=2.0)
    await extractor.read(b"x", "text/plain")
    os.kill(pid(extractor), signal.SIGSTOP)
    with pytest.raises(ToolError, match="within 2 seconds"):
        await extractor.read(b"x", "text/plain")
    assert (await extractor.read(b"y", "text/plain")).text == "y"
    os.kill(pid(extractor), signal.SIGSEGV)
    while extractor._process and extractor._process.returncode is None:
        await asyncio.sleep(0.01)
    assert (await extractor.read(b"z", "text/plain")).text == "z"
    await extractor.close()


async def test_a_cancelled_call_does_not_answer_the_next(extractor: Extractor) -> None:
    await extractor.read(b"x", "text/plain")
    os.kill(pid(extractor), signal.SIGSTOP)
    call = asyncio.ensure_future(extractor.read(b"first", "text/plain"))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert (await extractor.read(b"second", "text/plain")).text == "second"


async def test_too_much_is_refused_before_it_is_sent(extractor: Extractor) -> None:
    with pytest.raises(ToolError, match="at most"):
        await extractor.read(b"x" * (BYTES + 1), "text/plain")


BOMBS = {
    "deep html": (b"<div>" * 200_000 + b"x", "text/html"),
    "deep json": (b"[" * 200_000, "application/json"),
    "wide table": (b"<table>" + b"<tr><td>x" * 50_000, "text/html"),
    "one long line": (b"x" * 5_000_000, "text/plain"),
    "nothing": (b"", "text/html"),
    "entities": (b"<!DOCTYPE x [<!ENTITY a 'ha'>" + b"<!ENTITY b '&a;&a;'>" * 1_000 + b"]><p>&b;</p>", "text/html"),
    "half a pdf": (b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\n", "application/pdf"),
    "a file of the machine": (b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><p>&f;</p>", "application/xml"),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_are_read_or_refused_in_time(extractor: Extractor, name: str) -> None:
    with suppress(ToolError):
        found = await extractor.read(*BOMBS[name])
        assert len(found.text) <= CHARACTERS
        assert "root:" not in found.text


async def test_a_pdf_is_read_by_pages_and_one_with_a_password_refused(extractor: Extractor) -> None:
    found = await extractor.read(a_pdf("The bridge is open.", "It cost a lot."), "application/pdf", name="report.pdf")
    assert [page.strip() for page in found.pages] == ["The bridge is open.", "It cost a lot."]
    assert found.paged

    locked = PdfWriter()
    locked.add_blank_page(72, 72)
    locked.encrypt("secret")
    written = io.BytesIO()
    locked.write(written)
    with pytest.raises(ToolError, match="password"):
        await extractor.read(written.getvalue(), "application/pdf")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.binary(max_size=400),
    kind=st.sampled_from(["text/html", "application/pdf", "application/json", "text/csv", "text/plain", "x", ""]),
    lead=st.sampled_from([b"", b"%PDF-1.4\n", b"<html><body><p>", b"{", b"\xff\xfe"]),
)
def test_nothing_makes_a_parser_raise(data: bytes, kind: str, lead: bytes) -> None:
    found = parsed(Job(data=lead + data, media_type=kind, name="x.txt", url="https://example.org/"))

    assert bool(found.error) != bool(found.text.strip())


@pytest.mark.parametrize(
    ("media_type", "name", "kind"),
    [
        ("text/html; charset=utf-8", "", "html"),
        ("application/octet-stream", "notes.md", "text"),
        ("application/octet-stream", "main.rs", "text"),
        ("application/octet-stream", "photo.jpg", ""),
        ("image/svg+xml", "x.svg", "text"),
        ("", "table.csv", "csv"),
        ("text/plain", "page.html", "html"),
        ("application/zip", "notes.txt", ""),
    ],
)
def test_a_file_is_read_as_its_type_says_and_else_its_name(media_type: str, name: str, kind: str) -> None:
    assert kind_of(media_type, name) == kind


def test_the_process_is_the_module_that_it_is_called_by() -> None:
    assert kind_of.__module__ == extract.MODULE


def a_pdf(*pages: str) -> bytes:
    """Return a PDF with a line of text on each page, as small as one can be."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def test_the_hub_itself_loads_no_parser() -> None:
    parsers = ("trafilatura", "lxml", "pypdf", "dateparser")
    code = f"import sys, hub.tools.shipped; print([name for name in {parsers} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert loaded.stdout == "[]\n"
