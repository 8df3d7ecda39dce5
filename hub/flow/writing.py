"""An answer as an LLM writes it, within what a program asked for: its form, its length, where it stops."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import cast

from hub.flow.orders import Order
from hub.ports import LLM, End, Piece, Said, Terms


async def wording_of(
    llm: LLM, said: Sequence[Said], terms: Terms, most: int, order: Order
) -> AsyncGenerator[Piece | End, None]:
    """Yield the pieces of an answer, then its End; raises what the LLM raises.

    One that has to fit a schema comes in one piece. Before what it's to stop at, it ends.
    """
    if order.form is not None:
        filled = await llm.fill(said, order.form, terms, limit=most)
        yield Piece(text=filled.json)
        yield _end("stop", filled.tokens_in, filled.tokens_out, filled.ms, filled.money)
        return
    stops = Stops(order.stop)
    pieces = 0
    chat = llm.chat(said, terms, limit=most, temperature=order.temperature or 0.0)
    async with aclosing(cast("AsyncGenerator[Piece | End, None]", chat)) as answer:
        async for piece in answer:
            if isinstance(piece, End):
                if stops.held:
                    yield Piece(text=stops.held)
                yield piece
                return
            pieces += 1
            if text := stops.take(piece.text):
                yield Piece(text=text)
            if stops.met:
                break
    # Cut off, it says nothing of what it cost: a piece is about a token.
    yield _end("stop", await llm.count(said), pieces)


class Stops:
    """Holds back what may be the beginning of a text to stop at."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(filter(None, stops))
        self.held = ""
        self.met = False

    def take(self, text: str) -> str:
        """Return what can be said of a text so far, with what was held back before it."""
        whole = self.held + text
        # The one that's whole first counts, whatever pieces it comes in.
        met = [(at + len(stop), at) for stop in self._stops if (at := whole.find(stop)) >= 0]
        if met:
            self.held, self.met = "", True
            return whole[: min(met)[1]]
        keep = max((_begun(whole, stop) for stop in self._stops), default=0)
        self.held = whole[len(whole) - keep :]
        return whole[: len(whole) - keep]


def _begun(text: str, stop: str) -> int:
    """Return how many of a text's last characters may be the beginning of where it's to stop."""
    return next(
        (length for length in range(min(len(stop) - 1, len(text)), 0, -1) if stop.startswith(text[-length:])), 0
    )


def _end(reason: str, tokens_in: int, tokens_out: int, ms: float = 0.0, money: float = 0.0) -> End:
    return End(
        reason="length" if reason == "length" else "stop",
        tokens_in=tokens_in,
        tokens_new=tokens_in,
        tokens_out=tokens_out,
        ms=ms,
        ms_first=ms,
        money=money,
    )
