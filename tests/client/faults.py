"""A line that breaks: what's sent arrives at the real hub, and what comes back may be lost."""

from collections.abc import Callable

import httpx


class Losing(httpx.HTTPTransport):
    """Loses the answers to the first requests that are meant, after the hub has given them."""

    def __init__(self, meant: Callable[[httpx.Request], bool], times: int = 1) -> None:
        super().__init__()
        self._meant = meant
        self._left = times
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        response = super().handle_request(request)
        if self._left and self._meant(request):
            self._left -= 1
            response.read()
            raise httpx.ReadError("the line broke", request=request)
        return response


def posts(request: httpx.Request) -> bool:
    return request.method == "POST"


def deletes(request: httpx.Request) -> bool:
    return request.method == "DELETE"
