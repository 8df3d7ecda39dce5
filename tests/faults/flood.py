"""Sends many messages for one person as fast as the hub answers: `... -m tests.faults.flood ADDRESS KEY PERSON COUNT`.

In a process of its own, so that it isn't the client that others wait for.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

AT_ONCE = 64
TOLD = ("wait for an answer", "too many requests")
"""Why a message isn't taken."""


def main(address: str, key: str, person: str, count: str) -> None:
    """Send them, and print how often each status was answered."""
    os.nice(19)
    numbers = iter(range(int(count)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = [pool.submit(_send, address, key, person, numbers) for _ in range(AT_ONCE)]
    print(json.dumps(sum((future.result() for future in sent), Counter())))


def _send(address: str, key: str, person: str, numbers: Iterator[int]) -> Counter[int]:
    statuses: Counter[int] = Counter()
    connection = HTTPConnection(address, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for number in numbers:
        body = json.dumps({"text": f"Flood {number}", "on_behalf_of": person})
        connection.request("POST", "/v1/messages", body, headers)
        response = connection.getresponse()
        told = json.loads(response.read())
        good = response.status == 202 or (
            int(response.headers["Retry-After"]) > 0 and any(words in told["detail"] for words in TOLD)
        )
        statuses[response.status if good else 0] += 1
    connection.close()
    return statuses


if __name__ == "__main__":
    main(*sys.argv[1:])
