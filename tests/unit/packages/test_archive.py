"""Hostile archives: each is refused, and none costs more than the bounds allow."""

import io
import os
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from random import Random

import pytest

from hub.errors import ManifestError
from hub.packages.archive import Bounds, Entry, unpacked, write
from tests.unit.packages.zips import Made, Zip

MUTATED = int(os.environ.get("AGENTHOST_MUTATED_ZIPS", "5000"))
SMALL = Bounds(packed=200_000, unpacked=300_000, file=100_000, files=20, depth=4, path=60, ratio=20, innocent=50_000)
LINK, DEVICE, FIFO, SOCKET, BLOCK = (kind << 16 for kind in (0o120777, 0o020644, 0o010644, 0o140644, 0o060644))


def named(*names: str | bytes) -> bytes:
    return Zip([Made(name) for name in names]).bytes()


def one(**odd: object) -> bytes:
    return Zip([Made(**odd)]).bytes()  # type: ignore[arg-type]


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def tar_and_zip() -> bytes:
    made = bytearray(Zip([Made(name="a", data=b"x" * 600, method=0)]).bytes())
    made[257:262] = b"ustar"
    return bytes(made)


def real_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("SKILL.md"), io.BytesIO())
    return out.getvalue()


def by_zipfile(streamed: bool = False, comment: bytes = b"", password: bool = False) -> bytes:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return not streamed

        def tell(self) -> int:
            if streamed:
                raise OSError
            return super().tell()

    out = Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("SKILL.md", "hello")
        archive.comment = comment
    return out.getvalue()


def shrunk_central(by: int) -> bytes:
    data = Zip([Made("a"), Made("b")]).bytes()
    return data[:-22] + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 2, 2, 94 - by, data.index(b"PK\x01\x02"), 0)


NAMES: dict[str, list[str | bytes]] = {
    "climbs out": ["../evil"],
    "climbs out in the middle": ["a/../../evil"],
    "climbs out at the end": ["a/.."],
    "is its own folder": ["."],
    "has a dot for a folder": ["a/./b"],
    "has an empty part": ["a//b"],
    "is absolute": ["/etc/passwd"],
    "is absolute twice": ["//server/share"],
    "is a drive": ["C:/evil"],
    "is a drive without a slash": ["C:evil"],
    "has a backslash": ["a\\b"],
    "climbs out by backslashes": ["..\\..\\evil"],
    "has a stream of its own": ["a:b"],
    "has a star": ["a*"],
    "has a question mark": ["a?"],
    "has quotes": ['a"b'],
    "has an angle": ["a<b"],
    "has a pipe": ["a|b"],
    "ends before a NUL": ["SKILL.md\x00.exe"],
    "has a control": ["a\x07b"],
    "has a newline": ["a\nb"],
    "has a tab": ["a\tb"],
    "has a delete": ["a\x7fb"],
    "has a C1 control": ["a\x85b"],
    "turns to the left": ["a\u202egpj.exe"],
    "embeds to the left": ["a\u202bb"],
    "isolates": ["a\u2066b"],
    "has a mark to the left": ["a\u200fb"],
    "has no width": ["a\u200bb"],
    "joins without width": ["a\u200db"],
    "has a byte order mark": ["\ufeffSKILL.md"],
    "has a soft hyphen": ["a\u00adb"],
    "has a tag character": ["a\U000e0041b"],
    "has a line separator": ["a\u2028b"],
    "has a private character": ["a\ue000b"],
    "has no character": ["a\uffffb"],
    "has half a character": ["a\ud800b"],
    "isn't UTF-8": [b"a\xff\xfe"],
    "is decomposed": ["cafe\u0301"],
    "ends with a dot": ["a."],
    "ends with a space": ["a "],
    "begins with a space": [" a"],
    "has a folder that ends with a dot": ["a./b"],
    "has a folder that ends with a space": ["a /b"],
    "is con": ["con"],
    "is CON with an ending": ["CON.txt"],
    "is a folder called nul": ["nul/a"],
    "is aux": ["AUX"],
    "is prn": ["prn.md"],
    "is com1": ["com1.log"],
    "is lpt9": ["LPT9"],
    "is com with a raised digit": ["com\u00b9"],
    "is too long": ["a" * 61],
    "is too long in bytes": ["\u20ac" * 21],
    "is too deep": ["a/b/c/d/e"],
    "is there twice": ["SKILL.md", "SKILL.md"],
    "is there thrice": ["a", "b", "a"],
    "is there twice but for capitals": ["SKILL.md", "skill.md"],
    "is there twice but for sharp s": ["stra\u00dfe", "STRASSE"],
    "is there twice but for width": ["a", "\uff41"],
    "is there twice but for a ligature": ["\ufb01x", "fix"],
    "is a file and a folder": ["a", "a/b"],
    "is a folder and a file": ["a/b", "a"],
    "is a file and a folder but for capitals": ["A", "a/b"],
    "has folders that differ by capitals": ["a/b", "A/c"],
    "has folders deeper that differ by capitals": ["x/a/b", "x/A/c"],
    "is empty": [""],
    "is only a slash": ["/"],
}
KINDS: dict[str, bytes] = {
    "a link": one(attributes=LINK, data=b"/etc/passwd"),
    "a link upwards": one(attributes=LINK, data=b"../../x"),
    "a character device": one(attributes=DEVICE),
    "a block device": one(attributes=BLOCK),
    "a pipe": one(attributes=FIFO),
    "a socket": one(attributes=SOCKET),
    "an unknown kind": one(attributes=0o150644 << 16),
    "a file marked as a folder by Unix": one(attributes=0o040755 << 16),
    "a file marked as a folder by DOS": one(attributes=0x10 | 0o100644 << 16),
    "a folder marked as a file": Zip([Made("a/", b"", attributes=0o100644 << 16), Made()]).bytes(),
    "a reparse point": one(attributes=0x400 | 0o100644 << 16),
    "a folder with contents": Zip([Made("a/", b"x", attributes=0o040755 << 16), Made()]).bytes(),
    "encrypted": one(flags=0x801),
    "strongly encrypted": one(flags=0x840),
    "with masked headers": one(flags=0x2800),
    "with a data descriptor": one(flags=0x808),
    "written as a stream": by_zipfile(streamed=True),
    "patched data": one(flags=0x820),
    "compressed by bzip2": one(method=12, packed=b"BZh9" + b"\0" * 20),
    "compressed by LZMA": one(method=14, packed=b"\0" * 20),
    "compressed by zstandard": one(method=93, packed=b"\0" * 20),
    "compressed by deflate64": one(method=9, packed=deflated(b"hello")),
    "compressed by shrink": one(method=1, packed=b"hello"),
    "compressed in an unknown way": one(method=77, packed=b"hello"),
    "named without the mark for UTF-8": one(name="é".encode(), flags=0),
    "named by an extra field": one(extra=struct.pack("<HHBL", 0x7075, 9, 1, 0) + b"evil"),
    "in zip64": one(extra=struct.pack("<HHQQ", 1, 16, 5, 5)),
    "with an unknown extra field": one(extra=struct.pack("<HH", 0x9999, 2) + b"xx"),
    "with a broken extra field": one(extra=b"\x55\x54\xff"),
    "with an extra field that ends too late": one(extra=struct.pack("<HH", 0x5455, 90)),
    "with an odd extra field in its own header alone": one(local_extra=struct.pack("<HH", 0x7075, 0)),
}
FRAMES: dict[str, bytes] = {
    "nothing": b"",
    "a text": b"hello, I'm a skill",
    "a tar": real_tar(),
    "a tar as well": tar_and_zip(),
    "no entries": Zip([]).bytes(),
    "a program before it": Zip(before=b"#!/bin/sh\nexit\n").bytes(),
    "an MZ before it": Zip(before=b"MZ" + b"\0" * 100).bytes(),
    "another archive before it": Zip(before=one(name="first")).bytes(),
    "another archive after it": one() + one(name="second"),
    "something after it": Zip(after=b"#!/bin/sh").bytes(),
    "a byte after it": Zip(after=b"\0").bytes(),
    "a comment": Zip(comment=b"hello").bytes(),
    "a comment by zipfile": by_zipfile(comment=b"hello"),
    "an end in its comment": Zip(comment=b"PK\x05\x06" + b"\0" * 18).bytes(),
    "bytes between its entries": Zip([Made("a"), Made("b", before=b"evil")]).bytes(),
    "bytes between its directory and its end": Zip(between=b"evil").bytes(),
    "an entry that isn't listed": Zip([Made("a"), Made("hidden", listed=False), Made("b")]).bytes(),
    "a first entry that isn't listed": Zip([Made("hidden", listed=False), Made("b")]).bytes(),
    "a comment on an entry": one(comment=b"hello"),
    "entries on another disk": Zip(disk=1).bytes(),
    "too few entries by its count": Zip([Made("a"), Made("b")], count=1, here=1).bytes(),
    "too many entries by its count": Zip(count=3, here=3).bytes(),
    "two counts": Zip(here=2).bytes(),
    "a count for zip64": Zip(count=0xFFFF, here=0xFFFF).bytes(),
    "a directory for zip64": Zip(directory=0xFFFFFFFF).bytes(),
    "a directory that begins too early": Zip(directory=3).bytes(),
    "a directory beyond its end": Zip(directory=10_000).bytes(),
    "a directory that's too short": Zip(directory_size=5).bytes(),
    "a directory that's too long": Zip(directory_size=500).bytes(),
    "a directory that breaks off": shrunk_central(10),
    "two entries in one place": Zip([Made("a"), Made("b", offset=0)]).bytes(),
    "an entry that begins in another": Zip([Made("a", data=one(name="in"), method=0), Made("b", offset=31)]).bytes(),
    "an entry beyond its end": one(offset=90_000),
    "another name in the entry's own header": one(local_name=b"EVIL.md."),
    "another length of name in the entry's own header": one(local_name=b"../../x"),
    "another size in the entry's own header": one(local_size=500),
    "another checksum in the entry's own header": one(local_crc=1),
    "another method in the entry's own header": one(local_method=0),
    "other flags in the entry's own header": one(local_flags=0),
    "a wrong checksum": one(crc=1),
    "a size that's too small": one(size=1),
    "a size that's too large": one(size=5_000),
    "a stored size that's too large": one(method=0, size=5_000),
    "contents that break off": one(packed=deflated(b"hello")[:-2]),
    "bytes behind its contents": one(packed=deflated(b"hello") + b"evil"),
    "contents that are noise": one(packed=b"\xff" * 40),
    "half of it": one()[: len(one()) // 2],
    "all but its last byte": one()[:-1],
}
BOMBS: dict[str, bytes] = {
    "too many bytes": Zip([Made(data=Random(1).randbytes(250_000), method=0)]).bytes(),
    "a file that's too large": one(data=Random(1).randbytes(100_001)),
    "a file of zeros": one(data=b"\0" * 90_000),
    "a file of zeros that says it's small": one(data=b"\0" * 90_000_000, size=10, local_size=10),
    "many files of zeros": Zip([Made(f"f{at}", b"\0" * 60_000) for at in range(10)]).bytes(),
    "too much in all": Zip([Made(f"f{at}", Random(at).randbytes(2_000) * 30) for at in range(8)]).bytes(),
    "too many files": Zip([Made(f"f{at}", b"") for at in range(21)]).bytes(),
    "too many folders": Zip([Made(f"f{at}/", b"", attributes=0o040755 << 16) for at in range(21)]).bytes(),
}
CORPUS = {
    **{f"whose name {way}": named(*names) for way, names in NAMES.items()},
    **{f"that has {way}": data for way, data in KINDS.items()},
    **{f"that is {way}": data for way, data in FRAMES.items()},
    **{f"that unpacks to {way}": data for way, data in BOMBS.items()},
}


def test_there_are_more_than_150_hostile_archives() -> None:
    assert len(CORPUS) >= 150
    assert len(set(CORPUS.values())) == len(CORPUS)


@pytest.mark.parametrize("way", CORPUS)
def test_refuses_an_archive(way: str) -> None:
    with pytest.raises(ManifestError, match=r"^archive: "):
        unpacked(CORPUS[way], SMALL)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_plain_archive_is_unpacked(compression: int, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.mkdir("skill")
        archive.writestr("skill/SKILL.md", "hello " * 20)
        archive.writestr("skill/scripts/größe.py", "print(1)")
        archive.writestr("skill/empty", b"")

    entries = unpacked(out.getvalue(), SMALL)
    write(entries, tmp_path)

    assert [entry.path for entry in entries] == ["SKILL.md", "empty", "scripts/größe.py"]
    assert (tmp_path / "SKILL.md").read_text(encoding="utf-8") == "hello " * 20
    assert (tmp_path / "scripts/größe.py").stat().st_mode & 0o777 == 0o644


def test_files_at_the_top_stay_where_they_are() -> None:
    assert [entry.path for entry in unpacked(named("a", "b/c"), SMALL)] == ["a", "b/c"]


def test_what_zip_programs_add_is_no_harm() -> None:
    times = struct.pack("<HHBL", 0x5455, 5, 1, 0) + struct.pack("<HHBBLBL", 0x7875, 11, 1, 4, 0, 4, 0)

    assert unpacked(one(extra=times), SMALL) == (Entry(path="SKILL.md", data=b"hello"),)


def test_mutated_archives_escape_nothing_and_take_no_time(tmp_path: Path) -> None:
    """What is unpacked all the same lies below the folder and within the bounds."""
    chance = Random(20261124)
    seeds = [
        Zip([Made("SKILL.md", b"# Hi\n" * 30), Made("scripts/run.py", b"print(1)\n" * 9, method=0)]).bytes(),
        Zip([Made(f"d/f{at}", chance.randbytes(40)) for at in range(6)]).bytes(),
        *list(CORPUS.values())[:: max(1, len(CORPUS) // 40)],
    ]
    kept = 0
    for at in range(MUTATED):
        data = mutated(chance, chance.choice(seeds), seeds) if at % 2 else misbuilt(chance)
        try:
            entries = unpacked(data, SMALL)
        except ManifestError:
            continue
        kept += 1
        folder = tmp_path / f"{at}"
        folder.mkdir()
        write(entries, folder)
        assert sum(len(entry.data) for entry in entries) <= SMALL.unpacked
        assert all(path.resolve().is_relative_to(folder) for path in folder.rglob("*"))
    assert kept < MUTATED
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.isdigit()) == []


def misbuilt(chance: Random) -> bytes:
    """Return an archive with whole framing and odd fields: byte by byte nearly every change breaks the framing."""
    names = ["a", "b/c", "B/C", "../x", "a/../b", "x" * 70, "SKILL.md", "skill.md", "é", "con", "a\u202eb", "d/", "d"]
    made = []
    for _ in range(chance.randint(1, 5)):
        entry = Made(chance.choice(names), chance.randbytes(chance.randint(0, 200)) * chance.choice([1, 1, 50, 900]))
        entry.method = chance.choice([0, 8, 8])
        for field, values in ODD.items():
            if chance.random() < 0.04:
                setattr(entry, field, chance.choice(values))
        made.append(entry)
    return Zip(made).bytes()


ODD: dict[str, list[object]] = {
    "flags": [0, 1, 8, 0x801, 0x808, 0x820],
    "attributes": [0, LINK, FIFO, 0x10, 0x400, 0o040755 << 16],
    "method": [0, 1, 8, 9, 12, 14, 99],
    "size": [0, 1, 0xFFFFFFFF, 0x7FFFFFFF],
    "local_size": [0, 1, 0xFFFFFFFF],
    "crc": [0, 1],
    "local_name": [b"", b"../../x", b"a" * 300],
    "packed": [b"", b"\xff" * 9, deflated(b"\0" * 5_000_000)],
    "extra": [b"\0", struct.pack("<HH", 1, 0), struct.pack("<HHL", 0x5455, 4, 0)],
    "offset": [0, 1, 31, 0xFFFFFFFF],
    "disk": [1, 0xFFFF],
    "version": [0, 45, 0xFFFF],
}


def mutated(chance: Random, data: bytes, seeds: list[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0 if changed:
                changed[at % len(changed)] = chance.randrange(256)
            case 1:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                del changed[at : at + chance.randint(1, 30)]
            case 3:
                other = chance.choice(seeds)
                start = chance.randrange(len(other) + 1)
                changed[at:at] = other[start : start + chance.randint(1, 60)]
            case _:
                changed[at : at + 2] = struct.pack("<H", chance.choice([0, 1, 0xFFFF, 0x7FFF, len(changed) & 0xFFFF]))
    return bytes(changed)
