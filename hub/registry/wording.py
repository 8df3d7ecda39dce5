"""Words as they're searched for: without case, accents and signs, alike in every database.

Scripts that put no spaces between words (Chinese, Japanese, Thai and their like) are searched by pairs of letters.
"""

import re
import unicodedata

CHARACTERS = 20_000
"""Of a text that are looked at."""
MOST = 3_000
"""Words of a text."""
LONGEST = 40
"""Characters of a word; the rest of a longer one is left out."""
_WORD = re.compile(r"[^\W_]+")
# Han, kana and bopomofo; Thai, Lao, Burmese and Khmer.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+)"
)


def words_of(text: str) -> list[str]:
    """Return a text's words, in their order."""
    plain = _plain(text[:CHARACTERS])
    if plain.isascii():
        return [word[:LONGEST] for word in _WORD.findall(plain)[:MOST]]
    found: list[str] = []
    for word in _WORD.findall(plain)[:MOST]:
        found += _parted(word)
    return found[:MOST]


def asked_for(query: str) -> list[str]:
    """Return the words of a query; the last is but the beginning of one."""
    return [word for word in words_of(query) if len(word) > 1 or not _UNSPACED.fullmatch(word)] or words_of(query)


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] != "M")[:CHARACTERS]


def _parted(word: str) -> list[str]:
    parts: list[str] = []
    for part in filter(None, _UNSPACED.split(word)):
        if _UNSPACED.fullmatch(part):
            # The last one by itself, so that each letter begins something.
            parts += [part[at : at + 2] for at in range(len(part))]
        else:
            parts.append(part[:LONGEST])
    return parts
