"""What a browser is called."""

import pytest

from hub.web.devices import device_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/19 Safari/605.1", "Safari on Mac"),
        ("curl/8.1", "curl"),
        ("python-httpx/0.28", "A program"),
        ("", "A browser"),
        ("<script>alert(1)</script>", "A browser"),
        ("x" * 100_000 + "Firefox/1", "A browser"),
    ],
)
def test_a_session_is_called_as_people_call_it_and_nothing_odd_is_repeated(agent: str, device: str) -> None:
    assert device_of(agent) == device
