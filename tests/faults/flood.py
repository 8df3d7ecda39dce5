"""Sends many messages for one person as fast as the hub answers: `... -m tests.faults.flood ADDRESS KEY PERSON COUNT`.

In a process of its own, so that it isn't the client that others wait for.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

AT_ONCE = 64


def main(address: str, key: str, person: str, count: str) -> None:
    """Send them, and print how often each status was answered."""
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
            int(response.headers["Retry-After"]) > 0 and "wait for an answer" in told["detail"]
        )
        statuses[response.status if good else 0] += 1
    connection.close()
    return statuses


if __name__ == "__main__":
    main(*sys.argv[1:])
