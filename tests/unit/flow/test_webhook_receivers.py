"""The receivers in the how-to take what the hub signs, and nothing else."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

from hub.flow.webhook_signing import bytes_of, signed
from tests.programs import program

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "get-told-by-webhooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type": "message.answered"}'
CHECK = """
const good = (headers, body) => process.stdout.write(isSigned(headers, Buffer.from(body)) ? "yes\\n" : "no\\n");
"""


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def headers(at: int, body: bytes = BODY, *, twice: bool = False) -> dict[str, str]:
    key = bytes_of(SECRET)
    assert key
    keys = [b"o" * 32, key] if twice else [key]
    return {"webhook-id": "m1", "webhook-timestamp": str(at), "webhook-signature": signed(keys, "m1", at, body)}


def cases() -> list[tuple[dict[str, str], bytes, bool]]:
    now = int(time.time())
    return [
        (headers(now), BODY, True),
        (headers(now, twice=True), BODY, True),
        (headers(now), BODY + b" ", False),
        (headers(now - 400), BODY, False),
        (headers(now + 400), BODY, False),
        (headers(now) | {"webhook-id": "m2"}, BODY, False),
        (headers(now) | {"webhook-signature": "v1,AAAA v1,"}, BODY, False),
    ]


def test_the_one_in_python_takes_what_the_hub_signs_and_nothing_else() -> None:
    program: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(block("python"), str(PAGE), "exec"), program)

    assert [program["is_signed"](sent, body) for sent, body, _ in cases()] == [good for _, _, good in cases()]


def test_the_one_in_javascript_takes_what_the_hub_signs_and_nothing_else(tmp_path: Path) -> None:
    node = program("node", "nodejs")
    script = block("js").partition("createServer(async")[0] + CHECK
    script += "\n".join(f"good({sent!r}, {body.decode()!r});" for sent, body, _ in cases())
    (tmp_path / "receiver.mjs").write_text(script, encoding="utf-8")
    ran = subprocess.run([node, tmp_path / "receiver.mjs"], capture_output=True, text=True, timeout=60, check=False)

    assert ran.stderr == ""
    assert ran.stdout.split() == ["yes" if good else "no" for _, _, good in cases()]
