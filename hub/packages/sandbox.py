"""The sandbox for strangers' programs: bubblewrap's namespaces, limits, no rights, and another user than root.

A program sees the system's own programs and its package, reads nothing else, writes to a small folder in memory, and
reaches no network. Where bubblewrap can't do that, nothing runs, unless the operator's config says otherwise.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from msgspec import Struct

from hub.errors import SandboxMissing
from hub.packages.runtimes import Runtime, runtime
from hub.packages.seccomp import rules

PACKAGE, DATA, SCRATCH = "/package", "/data", "/tmp"  # noqa: S108 - places inside
FIRST_UID, UIDS = 1_900_000_000, 1_000_000
"""Users that own nothing: above all that distributions, systemd and containers give out."""
MEGABYTE = 1024 * 1024
SEEN = ("ld.so.cache", "alternatives", "ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki", "localtime")
"""Of /etc: how programs find their libraries, whom they trust, and the time zone."""
NEEDED = ("bwrap", "prlimit", "setpriv")
ADDRESS_MB = 64 * 1024
"""JavaScript's engine reserves far more addresses than it ever uses: what's used is what `memory_mb` limits."""
PATIENCE = 10.0
LINE = 4 * MEGABYTE
"""The longest line that's read from a program."""
PROXY_PORT = 3128

_OFFER_PORT = f"""\
import os, socket, sys
with socket.socket(fileno=int(sys.argv[1])) as hub, socket.create_server(("127.0.0.1", {PROXY_PORT})) as port:
    socket.send_fds(hub, [b"."], [port.fileno()])
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Opens a port where only the program sees it, hands it to the hub to listen at, and becomes the program."""


_ASK = ("/bin/sh", "-c", 'echo; read -r go && exec "$@"', "sh")
"""Begins only when the hub says so. Before this, what binds its life to the hub's isn't in place everywhere: were the
hub killed meanwhile, nobody would end it."""


class Limits(Struct, frozen=True, kw_only=True):
    """What a program may take."""

    memory_mb: int = 512
    """Of each process, and of all together where somebody watches them."""
    cpu_seconds: int = 3600
    """Of each process."""
    processes: int = 64
    files: int = 256
    """Open at a time, by each process."""
    file_mb: int = 64
    """A file that's written."""
    scratch_mb: int = 64
    """Its folder in memory."""
    disk_mb: int = 256
    """What it's let write to, all together."""


class Program(Struct, frozen=True, kw_only=True):
    """A program of a package, and what it's given."""

    package: str
    argv: tuple[str, ...]
    """As seen inside; a runtime by its name, as "node"."""
    folder: Path
    """The package's files: /package inside."""
    fixed: tuple[str, ...] = ()
    """If given, it may write to its package, but for these files."""
    writes: bool = False
    """It may write to all of its package, which is a copy that's thrown away."""
    data: Path | None = None
    """A folder that it may write to: /data inside."""
    env: Mapping[str, str] = {}
    limits: Limits = Limits()
    proxied: bool = False
    """It's given a port that leads to the hub's proxy."""


class Running(Struct, frozen=True):
    """A program that was started."""

    process: asyncio.subprocess.Process
    port: socket.socket | None
    """Listens inside the sandbox, for the proxy to serve."""


class Sandbox:
    """Starts strangers' programs, confined."""

    def __init__(
        self,
        *,
        allow_unsandboxed: bool = False,
        first_uid: int = FIRST_UID,
        root: bool | None = None,
        which: Callable[[str], str | None] = shutil.which,
    ) -> None:
        """`first_uid` begins the million users that packages run as where the hub is root (`root`: it's looked up)."""
        self._allowed = allow_unsandboxed
        self._first_uid = first_uid
        self._root = os.geteuid() == 0 if root is None else root
        self._which = which
        self._missing: str | None = None

    @property
    def why_not(self) -> str:
        """Say why this machine can't confine a program, and the way out; "" if it can. Blocks for 10 ms at first."""
        if self._missing is None:
            self._missing = self._try_out()
        return self._missing

    @property
    def confines(self) -> bool:
        """Whether programs run confined; only the operator's config lets them run otherwise. Raises SandboxMissing."""
        if self.why_not and not self._allowed:
            raise SandboxMissing(
                f"programs of packages don't run here: {self.why_not}; "
                "`packages.allow_unsandboxed` in the config file would let them run with all of the hub's rights"
            )
        return not self.why_not

    def inside(self, folder: Path) -> str:
        """Return what a program calls its package's folder. Raises SandboxMissing."""
        return PACKAGE if self.confines else str(folder)

    def data(self, folder: Path) -> str:
        """Return what a program calls the folder it may write to. Raises SandboxMissing."""
        return DATA if self.confines else str(folder)

    def uid(self, package: str) -> int:
        """Return the user that a package's programs run as: its own where the hub is root, else the hub's."""
        if not self._root:
            return os.geteuid()
        return self._first_uid + int(sha256(package.encode()).hexdigest(), 16) % UIDS

    def give(self, folder: Path, package: str) -> None:
        """Have a package's user own a folder and all that's in it. Blocks; raises OSError."""
        uid = self.uid(package)
        for path in (folder, *folder.rglob("*")):
            if path.lstat().st_uid != uid:
                os.chown(path, uid, uid, follow_symlinks=False)

    async def start(self, program: Program, *, errors: int | IO[bytes] | None = asyncio.subprocess.PIPE) -> Running:
        """Start a program with pipes for what goes in and comes out.

        It ends with the hub, however that ends. Raises SandboxMissing, and OSError if it can't be started.
        """
        confined = await asyncio.to_thread(lambda: self.confines)
        ours, theirs = socket.socketpair() if program.proxied and confined else (None, None)
        try:
            with self.prepared(program, theirs.fileno() if theirs else None) as (argv, fds):
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    pass_fds=fds,
                    env={} if confined else _plain(program.env),
                    cwd="/" if confined else program.folder,
                    start_new_session=True,
                    limit=LINE,
                )
            if theirs:
                theirs.close()
            if not confined:
                return Running(process, None)
            try:
                async with asyncio.timeout(PATIENCE):
                    await _begun(process)
                    port = await asyncio.to_thread(_received, ours) if ours else None
            except BaseException:
                kill(process)
                raise
            return Running(process, port)
        finally:
            for end in (ours, theirs):
                if end:
                    end.close()

    @contextmanager
    def prepared(self, program: Program, offer: int | None = None) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
        """Yield the whole command for a program and the descriptors that it has to inherit; raises SandboxMissing.

        Confined, it writes an empty line and begins when it's written one.

        `offer` is a socket's, which a listening port is handed over at.
        """
        found = runtime(program.argv[0])
        own = (found.path if found else program.argv[0], *program.argv[1:])
        if not self.confines:
            yield (*self._limited(program.limits), *own), ()
            return
        launcher = runtime("python3") if offer is not None else None
        with ExitStack() as stack:
            filter = stack.enter_context(_readable(rules()))
            options = (*_apart(self._root), "--seccomp", str(filter), *_places(program, found, launcher))
            # Not among its arguments: whoever may list processes would read its settings there, and where the hub is.
            told = stack.enter_context(_readable("\0".join(options).encode()))
            argv = [*self._calm(), self._tool("bwrap"), "--args", str(told), "--"]
            if self._root:
                argv += self._other(self.uid(program.package))
            # Inside, where only its own processes are counted.
            argv += self._limited(program.limits)
            argv += _ASK
            if launcher:
                argv += [launcher.path, "-I", "-S", "-c", _OFFER_PORT, str(offer)]
            yield (*argv, *own), (filter, told, *((offer,) if offer is not None else ()))

    def _calm(self) -> Iterator[str]:
        """Yield what makes it the first to be killed if memory runs out, and the last to be served."""
        for name, *options in (("choom", "-n", "800", "--"), ("nice", "-n", "5")):
            if path := self._which(name):
                yield from (path, *options)

    def _other(self, uid: int) -> Iterator[str]:
        """Yield what makes it another user without any rights; RLIMIT_NPROC wouldn't hold for root."""
        yield from (self._tool("setpriv"), "--reuid", str(uid), "--regid", str(uid), "--clear-groups")
        yield from ("--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs", "--")

    def _limited(self, limits: Limits) -> Iterator[str]:
        prlimit = self._which("prlimit")
        if prlimit is None:
            return
        yield prlimit
        yield from (f"--data={limits.memory_mb * MEGABYTE}", f"--as={ADDRESS_MB * MEGABYTE}", "--core=0")
        yield from (f"--cpu={limits.cpu_seconds}", f"--fsize={limits.file_mb * MEGABYTE}", f"--nofile={limits.files}")
        yield from (f"--nproc={limits.processes}", "--memlock=0", "--msgqueue=0", "--rtprio=0", "--sigpending=256")
        yield "--"

    def _tool(self, name: str) -> str:
        return self._which(name) or name

    def _try_out(self) -> str:
        missing = [name for name in NEEDED if self._which(name) is None]
        if missing:
            package = "bubblewrap" if missing[0] == "bwrap" else "util-linux"
            return f"{missing[0]} isn't installed; apt-get install {package}"
        if not rules():
            return f"there's no filter of system calls for this processor ({os.uname().machine})"
        self._missing = ""
        trial = Program(package="trial", argv=("/bin/sh", "-c", "(exit 7); echo $?"), folder=Path("/usr/share"))
        try:
            with self.prepared(trial) as (argv, fds):
                done = subprocess.run(  # noqa: S603 - our own words
                    argv, input=b"\n", capture_output=True, pass_fds=fds, env={}, timeout=PATIENCE, check=False
                )
        except (OSError, subprocess.SubprocessError) as error:
            return f"bubblewrap can't be started ({error})"
        finally:
            self._missing = None
        if done.stdout.strip() == b"7":
            return ""
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        return f"bubblewrap doesn't work here ({said[-1][:200]}); {_way_out(said[-1])}"


def kill(process: asyncio.subprocess.Process) -> None:
    """End a program and all that it started, at once."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _apart(root: bool) -> Iterator[str]:
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    if not root:
        # bubblewrap's own first process would be there without the filter, and their own to write into.
        yield from ("--unshare-user", "--disable-userns", "--as-pid-1")
    yield from ("--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL", "--clearenv")
    if root:
        # No namespace of users: for root there's a real other user, whom bubblewrap's first process doesn't listen to.
        # It takes these three rights to become it, and it has none of them.
        for right in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            yield from ("--cap-add", right)


def _places(program: Program, found: Runtime | None, launcher: Runtime | None) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for link in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", link)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for above in ("/etc", "/etc/ssl"):
        # bubblewrap would make them for its own user only.
        yield from ("--perms", "0755", "--dir", above)
    for name in SEEN:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--size", str(MEGABYTE), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108
    for shown in (found, launcher if launcher != found else None):
        yield from _shown(shown)
    yield from ("--bind" if program.fixed or program.writes else "--ro-bind", str(program.folder), PACKAGE)
    for name in program.fixed:
        yield from ("--ro-bind", str(program.folder / name), f"{PACKAGE}/{name}")
    if program.data:
        yield from ("--bind", str(program.data), DATA)
    yield from ("--size", str(program.limits.scratch_mb * MEGABYTE), "--perms", "1777", "--tmpfs", SCRATCH)
    # What's built above is a folder in memory of no set size, which isn't theirs to fill.
    yield from ("--remount-ro", "/", "--chdir", PACKAGE)
    for name, value in {**_environment(launcher), **program.env}.items():
        yield from ("--setenv", name, value)


def _shown(found: Runtime | None) -> Iterator[str]:
    if found is None or not found.folder:
        return
    for above in reversed(Path(found.folder).parents[:-1]):
        # bubblewrap would close them to others if they're closed here.
        yield from ("--perms", "0755", "--dir", str(above))
    yield from ("--ro-bind", found.folder, found.folder)


def _environment(launcher: Runtime | None) -> dict[str, str]:
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if launcher:
        proxy = f"http://127.0.0.1:{PROXY_PORT}"
        env |= {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NODE_USE_ENV_PROXY": "1"}
    return env


def _plain(env: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "TZ") if name in os.environ}
    return {**kept, **env}


@contextmanager
def _readable(data: bytes) -> Iterator[int]:
    """Yield a descriptor that some bytes can be read from."""
    with open(os.memfd_create("agenthost"), "wb", buffering=0) as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()


async def _begun(process: asyncio.subprocess.Process) -> None:
    """Let a program begin; raises OSError if it can't, with its words."""
    assert process.stdin  # noqa: S101 - it was started with pipes
    assert process.stdout  # noqa: S101
    if await process.stdout.readline() != b"\n":
        said = await process.stderr.read(MEGABYTE) if process.stderr else b""
        raise OSError(said.decode(errors="replace").strip()[-200:] or "it ended before it began")
    process.stdin.write(b"\n")
    await process.stdin.drain()


def _received(ours: socket.socket) -> socket.socket:
    """Return the port that the program was given; raises OSError if it ended before."""
    ours.settimeout(PATIENCE)
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    if not fds:
        raise OSError("it ended before it began")
    port = socket.socket(fileno=fds[0])
    port.setblocking(False)
    return port


def _way_out(said: str) -> str:
    if "setresuid" in said or "setuid" in said:
        return "packages.first_uid names users that this machine doesn't have: choose a number that it has"
    if os.geteuid() == 0:
        return "run the hub where it may make namespaces (in a container, with CAP_SYS_ADMIN), or as an ordinary user"
    return "let ordinary users make namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)"
