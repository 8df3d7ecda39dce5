"""Which system calls a confined program may not make: a filter for the kernel, as bubblewrap takes it.

Namespaces take away what a program could see; this takes away what no namespace covers (keys, the hypervisor's sockets,
memory that no limit counts) and what only serves to break out (mounts, further namespaces, tracing).
"""

import errno
import platform
import struct
from collections.abc import Iterator

from msgspec import Struct


class Numbers(Struct, frozen=True, kw_only=True):
    """A processor's numbers of system calls."""

    audit: int
    """What the kernel calls the processor."""
    denied: dict[str, int]
    clone: int
    clone3: int
    ioctl: int
    mmap: int
    socket: int


_LATER = {
    "pidfd_getfd": 438, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "fspick": 433, "mount_setattr": 442, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "memfd_secret": 447, "landlock_create_ruleset": 444,
}  # fmt: skip
"""Numbers since Linux 5.2 are the same everywhere."""

X86_64 = Numbers(
    audit=0xC000003E,
    denied={
        "keyctl": 250, "add_key": 248, "request_key": 249, "ptrace": 101, "process_vm_readv": 310,
        "process_vm_writev": 311, "kcmp": 312, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
        "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "memfd_create": 319,
        "shmget": 29, "shmat": 30, "shmctl": 31, "msgget": 68, "semget": 64, "open_by_handle_at": 304,
        "name_to_handle_at": 303, "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "syslog": 103, "acct": 163, "quotactl": 179, "reboot": 169, "swapon": 167,
        "swapoff": 168, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "iopl": 172,
        "ioperm": 173, "personality": 135, "sethostname": 170, "setdomainname": 171, "lookup_dcookie": 212,
        "move_pages": 279, "mbind": 237, "nfsservctl": 180, "vhangup": 153, "uselib": 134, "ustat": 136, "sysfs": 139,
        **_LATER,
    },
    clone=56, clone3=435, ioctl=16, mmap=9, socket=41,
)  # fmt: skip

ARM64 = Numbers(
    audit=0xC00000B7,
    denied={
        "keyctl": 219, "add_key": 217, "request_key": 218, "ptrace": 117, "process_vm_readv": 270,
        "process_vm_writev": 271, "kcmp": 272, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
        "unshare": 97, "setns": 268, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "memfd_create": 279,
        "shmget": 194, "shmat": 196, "shmctl": 195, "msgget": 186, "semget": 190, "open_by_handle_at": 265,
        "name_to_handle_at": 264, "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "syslog": 116, "acct": 89, "quotactl": 60, "reboot": 142, "swapon": 224,
        "swapoff": 225, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266,
        "personality": 92, "sethostname": 161, "setdomainname": 162, "lookup_dcookie": 18, "move_pages": 239,
        "mbind": 235, "nfsservctl": 42, "vhangup": 58, **_LATER,
    },
    clone=220, clone3=435, ioctl=29, mmap=222, socket=198,
)  # fmt: skip

MACHINES = {"x86_64": X86_64, "aarch64": ARM64}

_OTHER_SPACES = 0x7E020000
"""Every CLONE_NEW flag."""
_SHARED_WITHOUT_FILE = 0x21
"""MAP_SHARED and MAP_ANONYMOUS: such memory isn't counted by RLIMIT_DATA."""
_TYPE_FOR_ANOTHER, _CONSOLE = 0x5412, 0x541C
"""TIOCSTI and TIOCLINUX put words into the terminal of whoever reads it next."""
_FAMILIES = (1, 2, 10, 16)
"""Unix, IPv4, IPv6, netlink (reading one's own interfaces). Of the others some, as vsock, know no namespaces."""
_OTHER_ABI = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16


def rules(machine: str | None = None) -> bytes:
    """Return the filter for a processor, this one's by default; empty if its numbers aren't known here."""
    numbers = MACHINES.get(machine or platform.machine())
    return b"".join(_rules(numbers)) if numbers else b""


def _rules(numbers: Numbers) -> Iterator[bytes]:
    yield _step(_LOAD, _MACHINE)
    yield _step(_EQUAL, numbers.audit, 1, 0)
    # Another processor's calls have other numbers: none of these rules would hold.
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER)
    yield from _refused(_AT_LEAST, _OTHER_ABI, errno.ENOSYS)
    # Programs try the older clone then, of which the flags can be seen.
    yield from _refused(_EQUAL, numbers.clone3, errno.ENOSYS)
    for number in numbers.denied.values():
        yield from _refused(_EQUAL, number, errno.EPERM)
    yield from _about(numbers.clone, 0, (*_refused(_ANY_BIT, _OTHER_SPACES, errno.EPERM),))
    typed = (
        *_refused(_EQUAL, _TYPE_FOR_ANOTHER, errno.EPERM),
        *_refused(_EQUAL, _CONSOLE, errno.EPERM),
    )
    yield from _about(numbers.ioctl, 1, typed)
    uncounted = (
        _step(_AND, _SHARED_WITHOUT_FILE),
        *_refused(_EQUAL, _SHARED_WITHOUT_FILE, errno.ENOMEM),
    )
    yield from _about(numbers.mmap, 3, uncounted)
    families = tuple(_step(_EQUAL, family, len(_FAMILIES) - place, 0) for place, family in enumerate(_FAMILIES))
    yield from _about(numbers.socket, 0, (*families, _step(_RETURN, _ERROR | errno.EAFNOSUPPORT)))
    yield _step(_RETURN, _ALLOW)


def _about(number: int, argument: int, steps: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield steps that look at one argument of one call (its lower half), then the call's number again."""
    yield _step(_EQUAL, number, 0, len(steps) + 2)
    yield _step(_LOAD, _ARGUMENTS + 8 * argument)
    yield from steps
    yield _step(_LOAD, _NUMBER)


def _refused(test: int, value: int, error: int) -> Iterator[bytes]:
    yield _step(test, value, 0, 1)
    yield _step(_RETURN, _ERROR | error)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
