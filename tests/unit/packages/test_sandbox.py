"""What a stranger's program can do in bubblewrap: nothing it tries gets out, as root and as an ordinary user."""

import asyncio
import contextlib
import ctypes
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec import Struct

from hub.errors import SandboxMissing
from hub.packages.sandbox import Limits, Program, Sandbox
from hub.packages.seccomp import MACHINES, rules
from tests.unit.packages.confining import needs_sandbox
from tests.unit.packages.probes import HEAD, PROBES, Probe
from tests.unit.packages.test_scripts import HOSTILE

SMALL = Limits(memory_mb=128, cpu_seconds=2, file_mb=8, scratch_mb=16)
NOBODY = 65534
USERS = ("root", "nobody") if os.geteuid() == 0 else ("user",)
PYTHON = "/usr/bin/python3"
MISWRITTEN = ("NameError", "SyntaxError", "AttributeError", "TypeError", "IndentationError")


class World(Struct, frozen=True):
    """What there is to be broken into."""

    folder: Path
    package: Path
    port: int
    port6: int
    canary: int
    """A process that must live on."""

    def program(self, probe: Probe) -> str:
        """Return a probe's program for this world."""
        words = {
            "the secret": str(self.folder / "secret"),
            "the data folder": str(self.folder / "data"),
            "PORT6": str(self.port6),
            "PORT": str(self.port),
            "ABSTRACT": f"agenthost-{os.getpid()}",
            "THE_HUB": str(self.canary),
            "GROUPS": repr(os.getgroups()),
        }
        text = probe.program
        for word, value in words.items():
            text = text.replace(word, value)
        return (
            f"{HEAD}\ntry:\n    exec(compile({text!r}, 'probe', 'exec'))\n"
            "except BaseException as error: print('HELD', type(error).__name__, error, flush=True)\n"
            "else: print('HELD', flush=True)\n"
        )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Everything is open to everybody: it's the sandbox that has to keep them out, not the files' modes."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agenthost-probes-", dir="/var/tmp")))
        package, data = folder / "package", folder / "data"
        for made in (package, data):
            made.mkdir()
        for path in (package / "program.py", folder / "secret", data / "owner.key"):
            path.write_text("s3cret")
            path.chmod(0o666)
        (package / "link").symlink_to(folder / "secret")
        for made in (folder, package, data):
            made.chmod(0o777)
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server6 = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        for name in (str(data / "socket"), f"\0agenthost-{os.getpid()}"):
            listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(name)
            listening.listen()
        (data / "socket").chmod(0o777)
        canary = stack.enter_context(subprocess.Popen(["sleep", "600"]))
        stack.callback(canary.kill)
        yield World(folder, package, server.getsockname()[1], server6.getsockname()[1], canary.pid)


@pytest.fixture(autouse=True, scope="module")
def planted() -> Iterator[None]:
    """What a program could inherit: a secret in the environment, an open descriptor, a key."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as file:
        patch.setenv("PLANTED", "s3cret")
        os.set_inheritable(file.fileno(), True)
        libc = ctypes.CDLL(None)
        libc.syscall(248 if platform.machine() == "x86_64" else 217, b"user", b"agenthost-probe", b"s3cret", 6, -3)
        yield


def confined(world: World, program: str, user: str, limits: Limits = SMALL) -> str:
    """Run a program of Python's as a hub of that user would, and return what it said."""
    sandbox = Sandbox(root=user == "root")
    assert not sandbox.why_not
    before = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups") if user == "nobody" else ()
    python = sys.executable if user == "user" else PYTHON
    wanted = Program(package="probe", argv=(python, "-I", "-c", program), folder=world.package, limits=limits)
    with sandbox.prepared(wanted) as (argv, fds):
        done = subprocess.run(
            (*before, *argv),
            input="\n",
            capture_output=True,
            text=True,
            pass_fds=fds,
            env={},
            timeout=30,
            check=False,
        )
    return done.stdout.removeprefix("\n") + done.stderr


def still_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@needs_sandbox
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", PROBES)
def test_a_program_that(name: str, user: str, world: World) -> None:
    """It stays inside, whoever the hub runs as."""
    probe = PROBES[name]

    said = confined(world, world.program(probe), user)

    assert "BROKE OUT" not in said
    assert "s3cret" not in said
    assert probe.killed or "HELD" in said, said
    assert not any(word in said for word in MISWRITTEN), said
    assert still_there(world.canary)
    assert (world.folder / "secret").read_text() == "s3cret"


@pytest.mark.parametrize("name", [name for name, probe in PROBES.items() if probe.outside])
def test_unconfined_gets_out_a_program_that(name: str, world: World) -> None:
    """So it's the sandbox that holds them, and the probes would tell."""
    with tempfile.TemporaryFile() as file:
        done = subprocess.run(
            [sys.executable, "-c", world.program(PROBES[name])],
            capture_output=True,
            text=True,
            pass_fds=(file.fileno(),),
            timeout=30,
            check=False,
        )

    assert "BROKE OUT" in done.stdout, done.stdout + done.stderr


def test_at_least_forty_ways_out_are_tried() -> None:
    assert len(PROBES) >= 40
    assert len(HOSTILE) >= 40
    # What means something in either is called alike in both.
    assert len(PROBES.keys() & HOSTILE.keys()) >= 20


@needs_sandbox
@pytest.mark.parametrize("user", USERS)
def test_a_program_works_in_its_own_places(user: str, world: World) -> None:
    program = "import os; open('/tmp/x', 'w').write('kept'); print(open('/tmp/x').read(), os.listdir('/package'))"

    assert confined(world, program, user).startswith("kept")


@needs_sandbox
async def test_it_is_started_with_pipes_and_its_own_environment(world: World) -> None:
    program = Program(package="probe", argv=("cat",), folder=world.package, env={"SHOWN": "yes"})
    running = await Sandbox().start(program)

    said, _ = await running.process.communicate(b"hello")

    assert said == b"hello"
    shown = await Sandbox().start(Program(package="p", argv=("env",), folder=world.package, env={"SHOWN": "yes"}))
    assert b"SHOWN=yes" in (await shown.process.communicate())[0]


@needs_sandbox
async def test_a_granted_folder_is_kept_and_nothing_beside_it(world: World, tmp_path: Path) -> None:
    data = tmp_path / "own"
    data.mkdir()
    sandbox = Sandbox()
    sandbox.give(data, "probe")
    program = Program(package="probe", argv=("sh", "-c", "echo kept >/data/x; ls /"), folder=world.package, data=data)

    said, _ = await (await sandbox.start(program)).process.communicate()

    assert (data / "x").read_text() == "kept\n"
    assert str(tmp_path).encode() not in said


@needs_sandbox
async def test_a_port_is_handed_out_that_only_the_program_reaches(world: World) -> None:
    program = Program(
        package="probe",
        argv=("python3", "-c", "import socket; print(socket.create_connection(('127.0.0.1', 3128)).recv(9))"),
        folder=world.package,
        proxied=True,
    )
    running = await Sandbox().start(program)
    assert running.port

    loop = asyncio.get_running_loop()
    with running.port:
        taken, _ = await loop.sock_accept(running.port)
        await loop.sock_sendall(taken, b"the hub")
        taken.close()
        said, _ = await running.process.communicate()

    assert b"the hub" in said
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", 3128), 1)


@needs_sandbox
@pytest.mark.parametrize("pause", [0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.1])
def test_it_ends_with_whoever_started_it(pause: float, world: World) -> None:
    """Killed -9 at any moment, a hub leaves no program behind."""
    starter = (
        "import asyncio, sys; from pathlib import Path; from hub.packages.sandbox import Program, Sandbox\n"
        "async def main():\n"
        f"    program = Program(package='p', argv=('sleep', '611.5'), folder=Path({str(world.package)!r}))\n"
        "    sandbox = Sandbox(); sandbox.why_not; print('starting', flush=True)\n"
        "    await sandbox.start(program); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout
        assert hub.stdout.readline() == "starting\n"
        time.sleep(pause)
        hub.kill()

    assert wait_for(lambda: not running("611.5"))


def running(word: str) -> list[str]:
    """Return the processes of this machine that have a word among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


def wait_for(true: "object", tries: int = 200) -> bool:
    """Say whether something comes true within some seconds."""
    for _ in range(tries):
        if callable(true) and true():
            return True
        subprocess.run(["sleep", "0.02"], check=True)
    return False


def _without(*names: str) -> Mapping[str, str]:
    return {
        name: found for name in ("bwrap", "prlimit", "setpriv") if name not in names and (found := shutil.which(name))
    }


@pytest.mark.parametrize("name", ["bwrap", "prlimit", "setpriv"])
def test_what_is_missing_is_named_and_nothing_runs(name: str, world: World) -> None:
    sandbox = Sandbox(which=_without(name).get)

    assert sandbox.why_not.startswith(f"{name} isn't installed; apt-get install ")
    with pytest.raises(SandboxMissing, match=r"packages\.allow_unsandboxed"):
        assert sandbox.confines


async def test_only_by_the_operators_word_it_runs_without(world: World) -> None:
    sandbox = Sandbox(allow_unsandboxed=True, which=_without("bwrap").get)
    program = Program(package="p", argv=("sh", "-c", "pwd; echo $PLANTED"), folder=world.package)

    said, _ = await (await sandbox.start(program)).process.communicate()

    assert said.decode().splitlines() == [str(world.package), ""]
    assert sandbox.inside(world.package) == str(world.package)


def test_each_package_is_another_user_where_the_hub_is_root() -> None:
    sandbox = Sandbox(root=True)

    assert sandbox.uid("a") != sandbox.uid("b")
    assert 1_900_000_000 <= sandbox.uid("a") < 1_901_000_000
    assert Sandbox(root=False).uid("a") == os.geteuid()


@pytest.mark.parametrize("machine", MACHINES)
def test_a_filter_is_a_program_that_the_kernel_could_take(machine: str) -> None:
    steps = rules(machine)

    assert len(steps) % 8 == 0
    assert len(steps) < 4096 * 8
    assert rules("pdp11") == b""
