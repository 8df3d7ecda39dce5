"""Who has one hub on SQLite pays nothing for those who have several."""

import subprocess
import sys
from pathlib import Path

from tests.faults.harness import ROOT

PROGRAM = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
from hub.config import load
from hub.opening import opened

async def main():
    async with AsyncExitStack() as stack:
        hub, _ = await opened(load(Path(sys.argv[1]), {}), stack, {}, ())
        async with asyncio.TaskGroup() as group:
            work = group.create_task(hub.run())
            await asyncio.sleep(0.5)
            work.cancel()
    print(sorted({name.partition(".")[0] for name in sys.modules} & {"procrastinate", "psycopg", "psycopg_pool"}))

asyncio.run(main())
"""


def test_a_hub_on_sqlite_loads_neither_procrastinate_nor_a_client_of_postgresql(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[hub]\ndata = "{tmp_path / "data"}"\nlog_level = "error"\n[llm]\nbackend = "remote"\n'
        'url = "http://127.0.0.1:9/v1"\nmodel = "none"\n'
        '[llm.decisions]\nbackend = "remote"\nurl = "http://127.0.0.1:9/v1"\nmodel = "none"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(config)], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
