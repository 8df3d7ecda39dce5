"""A virtual machine for tests: Debian's kernel with one program of ours for a userland, in the place of a hub.

What's needed of the system: qemu-system-x86, gcc, and the kernel of Debian's package linux-image-cloud-amd64, laid out
in .cache/kernel (what .ci/run does).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / ".cache" / "kernel"
QEMU = "qemu-system-x86_64"
MODULES = (
    *("failover", "net_failover", "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev"),
    *("virtio_pci", "virtio_net", "evdev", "button"),
)
"""Those that the network card and the power button need, each after what it needs itself."""
DIRECTORY, FILE = 0o040755, 0o100755


def needed() -> str:
    """Return the path of QEMU; skips the test without it, and fails it where CI promises it."""
    return _must(shutil.which(QEMU), f"{QEMU} isn't here: apt-get install qemu-system-x86")


def kernel() -> Path:
    """Return Debian's kernel; skips the test without it, and fails it where CI promises it."""
    found = next((str(each) for each in sorted(KERNEL.glob("boot/vmlinuz-*"))), None)
    return Path(_must(found, f"there's no kernel in {KERNEL.relative_to(ROOT)}: see .ci/run"))


def image(folder: Path) -> Path:
    """Make the machine's first and only file system; return its file."""
    program = folder / "init"
    source = Path(__file__).parent / "guest" / "init.c"
    subprocess.run(
        ["gcc", "-D_GNU_SOURCE", "-Os", "-static", "-Wall", "-Wextra", "-Werror", "-o", program, source],
        check=True,
        timeout=120,
    )
    entries = [("init", FILE, program.read_bytes()), ("modules", DIRECTORY, b""), ("dev", DIRECTORY, b"")]
    for number, name in enumerate(MODULES):
        [module] = KERNEL.glob(f"lib/modules/*/kernel/**/{name}.ko")
        entries.append((f"modules/{number:02}-{name}.ko", FILE, module.read_bytes()))
    packed = folder / "initramfs"
    packed.write_bytes(b"".join(_entry(*entry) for entry in entries) + _entry("TRAILER!!!", 0, b""))
    return packed


def arguments(folder: Path, *, port: int, token: str, deaf: bool = False) -> tuple[str, ...]:
    """Return what QEMU makes the machine of, its hub at a port of this computer's; its console is in console.log."""
    line = f"console=ttyS0 quiet panic=-1 hub.token={token} hub.deaf={int(deaf)}"
    machine = ("-machine", "pc,accel=tcg", "-m", "96M", "-nodefaults", "-no-reboot")
    network = ("-nic", f"user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:8080")
    shown = ("-serial", f"file:{folder / 'console.log'}")
    return (*machine, *network, *shown, "-kernel", str(kernel()), "-initrd", str(image(folder)), "-append", line)


def _entry(name: str, mode: int, content: bytes) -> bytes:
    """Return one entry of a cpio archive, in the form that the kernel unpacks ("newc")."""
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = "070701" + "".join(f"{value:08x}" for value in fields) + name + "\0"
    return _padded(head.encode()) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)


def _must(found: str | None, why: str) -> str:
    if not found:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    return found
