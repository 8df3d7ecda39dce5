"""Who asks the waker how it is hears of machines that are nobody's."""

import json
from pathlib import Path

import httpx
from click.testing import CliRunner

from hub.__main__ import main
from hub.testing import FakeClock
from hub.waker.front import Front
from hub.waker.orphans import Orphan, Orphans
from hub.waker.spool import Spool
from tests.waker.served import Asked, Served

ORPHAN = Orphan(place="ec2 eu-central-1", id="i-1", hub="gone", state="running", seen_at=1_796_000_000.0)


async def test_the_status_has_the_orphans(tmp_path: Path) -> None:
    orphans = Orphans({}, FakeClock(), destroy=False)
    orphans.seen = (ORPHAN,)
    front = Front([], [], Spool(tmp_path / "waker.db"), FakeClock(), "key", orphans)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://waker") as http:
        answer = await http.get("/waker/status", headers={"Authorization": "Bearer key"})
    assert answer.json() == {
        "items": [],
        "next": None,
        "orphans": [
            {"place": "ec2 eu-central-1", "id": "i-1", "hub": "gone", "state": "running", "seen_at": 1_796_000_000.0}
        ],
    }


def test_the_command_line_names_them(tmp_path: Path) -> None:
    found = {"items": [], "next": None, "orphans": [_plain()]}

    def answer(asked: Asked) -> tuple[int, bytes]:
        return (200, json.dumps(found).encode()) if asked.headers["Authorization"] == "Bearer k" else (401, b"{}")

    served = Served(answer)
    served.start()
    try:
        (tmp_path / "waker.key").write_text("k")
        port = served.url.rpartition(":")[2]
        (tmp_path / "waker.toml").write_text(
            f'[waker]\nport = {port}\ndata = "{tmp_path}"\n[[hubs]]\ntoken = "{"t" * 32}"\ncommand = ["hub"]\n'
        )
        shown = CliRunner().invoke(main, ["waker", "--config", str(tmp_path / "waker.toml"), "status"])
    finally:
        served.stop()
    assert shown.exit_code == 0
    assert "ec2 eu-central-1: i-1, made for hub gone, is running, and nobody's since 2026-11-30" in shown.output


def _plain() -> dict[str, object]:
    return {"place": ORPHAN.place, "id": ORPHAN.id, "hub": ORPHAN.hub, "state": ORPHAN.state, "seen_at": ORPHAN.seen_at}
