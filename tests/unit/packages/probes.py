"""What a stranger's program might try: each a program that says BROKE OUT if it got anywhere.

`names` are those that mean something in Monty, too, under which test_scripts.py tries them there.
"""

from msgspec import Struct

HEAD = """\
import ctypes, errno, os, signal, socket, struct, subprocess, sys, threading, time
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)

def out(what): print("BROKE OUT:", what, flush=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
def ran(*command): return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
"""


class Probe(Struct, frozen=True, kw_only=True):
    """One attempt."""

    program: str
    outside: bool = False
    """Unconfined it gets out, and harms nothing: so it's known that the probe would tell."""
    killed: bool = False
    """It may be killed for it, and then it says nothing."""


def _reads(path: str) -> str:
    return f"if Path({path!r}).read_bytes(): out('read it')"


PROBES: dict[str, Probe] = {
    # --- files
    "reads a file": Probe(program=_reads("/etc/passwd"), outside=True),
    "reads the passwords": Probe(program=_reads("/etc/shadow")),
    "reads a file of the hub's user": Probe(program=_reads("the secret"), outside=True),
    "lists the data folder": Probe(program="if os.listdir('the data folder'): out('listed')", outside=True),
    "reads the owner's key": Probe(program=_reads("the data folder/owner.key"), outside=True),
    "lists the homes": Probe(
        program="for p in ('/root', '/home'):\n    if Path(p).exists() and os.listdir(p): out(p)"
    ),
    "lists a folder": Probe(
        program="shown = 'bin dev etc lib lib32 lib64 libx32 package proc sbin tmp usr'\n"
        "found = set(os.listdir('/')) - set(shown.split())\n"
        "if found: out(found)",
        outside=True,
    ),
    "writes a file": Probe(program="Path('the secret').write_text('x'); out('written')"),
    "writes to the system": Probe(
        program="for p in ('/usr/x', '/etc/x', '/usr/bin/x', '/lib/x', '/x', '/dev/x', '/proc/x'):\n"
        "    try: Path(p).write_text('x'); out(p)\n"
        "    except OSError: pass"
    ),
    "writes to its own package": Probe(program="Path('/package/program.py').write_text('x'); out('written')"),
    "adds to its own package": Probe(program="Path('/package/new').write_text('x'); out('written')"),
    "makes its package writable": Probe(program="os.chmod('/package/program.py', 0o777); out('changed')"),
    "follows a link out": Probe(program=_reads("/package/link")),
    "makes a link out": Probe(program="os.symlink('the secret', '/tmp/l')\n" + _reads("/tmp/l")),
    "makes a hard link out": Probe(program="os.link('the secret', '/tmp/hard-link-probe'); out('linked')"),
    "climbs out by ..": Probe(program=_reads("/package/../../../../../..the secret")),
    "goes to another root by /proc": Probe(
        program="for pid in os.listdir('/proc'):\n"
        "    try:\n"
        "        if pid.isdigit() and os.path.exists(f'/proc/{pid}/rootthe secret'): out(pid)\n"
        "    except OSError: pass",
        outside=True,
    ),
    "escapes a chroot": Probe(
        program="os.mkdir('/tmp/c'); os.chroot('/tmp/c'); os.chdir('../../../../..')\n"
        "os.chroot('.'); out('changed root')"
    ),
    "opens a file by its handle": Probe(
        program="buffer = ctypes.create_string_buffer(struct.pack('Ii', 8, 1) + struct.pack('II', 2, 0))\n"
        "fd = os.open('/package', os.O_RDONLY)\n"
        "if call(304 if os.uname().machine == 'x86_64' else 265, fd, ctypes.addressof(buffer), 0) >= 0: out('opened')"
    ),
    # --- what it was born with
    "reads the environment": Probe(program="if 'PLANTED' in os.environ: out('read it')", outside=True),
    "reads its parent's environment": Probe(
        program="for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    try:\n"
        "        if b's3cret' in Path(f'/proc/{pid}/environ').read_bytes(): out(pid)\n"
        "    except OSError: pass",
        outside=True,
    ),
    "uses an inherited descriptor": Probe(
        program="for fd in range(3, 256):\n"
        "    try: os.fstat(fd); out(fd)\n"
        "    except OSError: pass",
        outside=True,
    ),
    "uses its terminal": Probe(program="os.open('/dev/tty', os.O_RDWR); out('opened')"),
    "types for another into a terminal": Probe(
        program="import fcntl, pty\n"
        "leader, follower = pty.openpty(); os.setsid() if os.getpid() != os.getpgid(0) else None\n"
        "fcntl.ioctl(follower, 0x540E, 1); fcntl.ioctl(follower, 0x5412, b'x'); out('typed')"
    ),
    # --- the network
    "opens a connection": Probe(
        program="socket.create_connection(('127.0.0.1', PORT), 2); out('connected')", outside=True
    ),
    "opens a connection by IPv6": Probe(
        program="socket.create_connection(('::1', PORT6), 2); out('connected')", outside=True
    ),
    "reaches the world": Probe(
        program="for to in (('1.1.1.1', 53), ('8.8.8.8', 443)):\n"
        "    try: socket.create_connection(to, 1); out(to)\n"
        "    except OSError: pass"
    ),
    "reaches the world by IPv6": Probe(
        program="socket.create_connection(('2606:4700:4700::1111', 53), 1); out('reached')"
    ),
    "sends a datagram": Probe(
        program="s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('192.0.2.1', 53)); out('sent')"
    ),
    "looks up a name": Probe(program="if socket.getaddrinfo('example.org', 443): out('looked up')"),
    "connects to a socket in a folder": Probe(
        program="socket.socket(socket.AF_UNIX).connect('the data folder/socket'); out('connected')", outside=True
    ),
    "connects to an abstract socket": Probe(
        program="socket.socket(socket.AF_UNIX).connect('\\0ABSTRACT'); out('connected')", outside=True
    ),
    "connects to the system's sockets": Probe(
        program="for p in ('/run/docker.sock', '/run/dbus/system_bus_socket', '/run/systemd/notify', '/run/user'):\n"
        "    if os.path.exists(p): out(p)"
    ),
    "listens to raw packets": Probe(program="socket.socket(17, socket.SOCK_RAW, 0x0300); out('listens')"),
    "sends raw packets": Probe(program="socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); out('sends')"),
    "talks to the machine's host": Probe(program="socket.socket(40, socket.SOCK_STREAM); out('vsock')"),
    "uses the kernel's ciphers": Probe(program="socket.socket(38, socket.SOCK_SEQPACKET); out('alg')"),
    "sets up an interface": Probe(program="if ran('ip', 'link', 'add', 'x', 'type', 'dummy'): out('added')"),
    # --- others' processes
    "sees other processes": Probe(
        program="names = [Path(f'/proc/{p}/cmdline').read_bytes() for p in os.listdir('/proc') if p.isdigit()]\n"
        "if b'sleep\\x00600\\x00' in names: out('seen')",
        outside=True,
    ),
    "signals its parent": Probe(program="os.kill(THE_HUB, 0); out('may signal the hub')", outside=True),
    "signals everybody": Probe(
        program="os.kill(-1, signal.SIGKILL)",
        killed=True,
    ),
    "traces a process": Probe(
        program="number = 101 if os.uname().machine == 'x86_64' else 117\n"
        "for pid in (1, os.getppid(), THE_HUB):\n"
        "    if call(number, 16, pid, 0, 0) == 0: out(pid)"
    ),
    "reads a process's memory": Probe(
        program="for pid in (1, os.getppid(), THE_HUB):\n"
        "    if pid in (0, os.getpid()): continue\n"
        "    try: open(f'/proc/{pid}/mem', 'rb').read(1); out(pid)\n"
        "    except OSError as error:\n"
        "        if error.errno == errno.EIO: out(pid)"
    ),
    # --- rights
    "becomes root": Probe(program="os.setuid(0); out('root') if os.getuid() == 0 else None"),
    "is root": Probe(
        program="rights = 'CapEff:\\t0000000000000000' not in Path('/proc/self/status').read_text()\n"
        "if os.getuid() == 0 or rights: out('rights')"
    ),
    "has a group of the hub's": Probe(program="if {0, *GROUPS} & {*os.getgroups(), os.getgid()}: out(os.getgroups())"),
    "uses a setuid program": Probe(
        program="if 'NoNewPrivs:\\t1' not in Path('/proc/self/status').read_text(): out('may gain rights')",
        outside=True,
    ),
    "makes a setuid program": Probe(
        program="import shutil; shutil.copy('/usr/bin/id', '/tmp/id')\n"
        "os.chown('/tmp/id', 0, 0); out('owned by root')"
    ),
    "makes a device": Probe(
        program="import stat; os.mknod('/tmp/disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0)); out('made')"
    ),
    "reads a disk": Probe(
        program="import glob\n"
        "disks = [disk for kind in ('sd', 'vd', 'nvme', 'loop', 'dm-') for disk in glob.glob(f'/dev/{kind}*')]\n"
        "for p in [*disks, '/dev/mem', '/dev/kmsg', '/dev/kvm', '/dev/fuse']:\n"
        "    if os.path.exists(p): out(p)"
    ),
    "mounts": Probe(
        program="if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: out('mounted')\n"
        "if libc.umount2(b'/tmp', 2) == 0: out('unmounted')"
    ),
    "mounts the package anew": Probe(
        program="if libc.mount(b'none', b'/package', None, 32 | 4096, None) == 0: out('remounted')"
    ),
    "makes namespaces": Probe(
        program="for flag in (0x10000000, 0x10020000, 0x20000, 0x40000000, 0x20000000):\n"
        "    if libc.unshare(flag) == 0: out(hex(flag))"
    ),
    "makes namespaces by clone": Probe(
        program="pid = call(56 if os.uname().machine == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0)\n"
        "if pid == 0: os._exit(0)\n"
        "if pid > 0: out('cloned')"
    ),
    "enters a namespace": Probe(
        program="for p in ('/proc/1/ns/mnt', '/proc/self/ns/net', f'/proc/{os.getppid()}/ns/user'):\n"
        "    try: fd = os.open(p, os.O_RDONLY)\n"
        "    except OSError: continue\n"
        "    if libc.setns(fd, 0) == 0: out(p)"
    ),
    "reads the hub's keys": Probe(
        program="number = 250 if os.uname().machine == 'x86_64' else 219\n"
        "kind, name = (ctypes.cast(text, ctypes.c_void_p).value for text in (b'user', b'agenthost-probe'))\n"
        "key = call(number, 10, -3, kind, name, 0)\n"
        "if key > 0 or call(number, 0, -3, 0) > 0: out('read keys')",
        outside=True,
    ),
    "writes to the kernel": Probe(
        program="for p in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper'):\n"
        "    try: open(p, 'w').write('x'); out(p)\n"
        "    except OSError: pass"
    ),
    "looks into /sys": Probe(program="if os.path.isdir('/sys') and os.listdir('/sys'): out('listed')", outside=True),
    "reads the kernel's log": Probe(
        program="buffer = ctypes.create_string_buffer(1000)\n"
        "if libc.klogctl(3, buffer, 1000) > 0 or os.path.exists('/dev/kmsg'): out('read it')"
    ),
    "loads code into the kernel": Probe(
        program="attr = ctypes.create_string_buffer(128)\n"
        "number = 321 if os.uname().machine == 'x86_64' else 280\n"
        "if call(number, 0, ctypes.addressof(attr), 128) >= 0 or ctypes.get_errno() != errno.EPERM: out('bpf')"
    ),
    "uses io_uring": Probe(
        program="p = ctypes.create_string_buffer(256)\nif call(425, 4, ctypes.addressof(p)) >= 0: out('set up')"
    ),
    "sets the clock": Probe(program="time.clock_settime(time.CLOCK_REALTIME, 0); out('set')"),
    "leaves a core": Probe(
        program="import resource\n"
        "if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0): out('may dump')\n"
        "try: resource.setrlimit(resource.RLIMIT_CORE, (1, 1)); out('raised')\n"
        "except (OSError, ValueError): pass",
    ),
    "raises its limits": Probe(
        program="import resource\n"
        "for what in (resource.RLIMIT_DATA, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):\n"
        "    try: resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)); out(what)\n"
        "    except (OSError, ValueError): pass",
    ),
    # --- taking everything
    "forks": Probe(
        program="count = 0\n"
        "try:\n"
        "    for count in range(400):\n"
        "        if os.fork() == 0: time.sleep(20); os._exit(0)\n"
        "except OSError: pass\n"
        "if count > 64: out(count)"
    ),
    "starts threads without end": Probe(
        killed=True,
        program="count = 0\n"
        "try:\n"
        "    for count in range(400): threading.Thread(target=time.sleep, args=(20,), daemon=True).start()\n"
        "except RuntimeError: pass\n"
        "if count > 64: out(count)\n"
        "os._exit(0)"
    ),
    "takes memory": Probe(program="x = bytearray(400 << 20); out(len(x))", killed=True),
    "takes shared memory": Probe(
        program="import mmap; m = mmap.mmap(-1, 400 << 20); m.write(b'x' * (400 << 20)); out(len(m))"
    ),
    "takes memory without an address": Probe(
        program="fd = os.memfd_create('x'); os.truncate(fd, 1) ; out('made')", outside=True
    ),
    "takes memory of System V": Probe(
        program="if call(29 if os.uname().machine == 'x86_64' else 194, 0, 1 << 20, 0o1600) >= 0: out('made')"
    ),
    "fills /tmp": Probe(
        program="size = 0\n"
        "try:\n"
        "    for n in range(40):\n"
        "        with open(f'/tmp/{n}', 'wb') as f: f.write(b'x' * (2 << 20)); size += 2\n"
        "except OSError: pass\n"
        "if size > 20: out(size)",
    ),
    "fills /dev/shm": Probe(
        program="size = 0\n"
        "try:\n"
        "    for n in range(40):\n"
        "        with open(f'/dev/shm/{n}', 'wb') as f: f.write(b'x' * (2 << 20)); size += 2\n"
        "except OSError: pass\n"
        "if size > 2: out(size)",
    ),
    "fills the root": Probe(program="open('/fill', 'wb').write(b'x'); out('written')"),
    "writes a huge file": Probe(
        program="signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open('/tmp/f', 'wb') as f: f.write(b'x' * (30 << 20)); out('written')",
    ),
    "opens files without end": Probe(
        program="kept = []\n"
        "try:\n"
        "    while len(kept) < 5000: kept.append(open('/dev/null'))\n"
        "except OSError: pass\n"
        "if len(kept) > 256: out(len(kept))"
    ),
    "never ends": Probe(
        program="began = time.process_time()\nwhile time.process_time() - began < 8: pass\nout('8 s')", killed=True
    ),
    "locks memory": Probe(
        program="m = ctypes.create_string_buffer(1 << 22)\nif libc.mlock(m, 1 << 22) == 0: out('locked')"
    ),
    "takes precedence": Probe(
        program="try: os.nice(-10); out('nice')\nexcept OSError: pass\n"
        "try: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); out('real time')\nexcept OSError: pass"
    ),
}  # fmt: skip
