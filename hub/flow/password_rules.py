"""Which passwords will do, as NIST SP 800-63B has it: long ones that aren't among the first to be guessed."""

import re
import unicodedata

from hub.errors import BadRequest
from hub.passwords import prepared

SHORTEST, LONGEST = 12, 256
"""Characters, in Unicode's form NFKC."""
LEAST_DIFFERENT = 5
"""Different characters in it."""
WORDS = """
password passwort passphrase passw0rd p4ssword p4ssw0rd contrasena contrasenia motdepasse senha parola wachtwoord
qwerty qwertz azerty qwertyuiop qwertzuiop azertyuiop asdfghjkl asdf qwer zxcvbnm zxcvbn yxcvbnm qazwsx qazwsxedc
1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e q1w2e3r4 q1w2e3r4t5 zaq12wsx letmein letmeinnow iloveyou iloveu
welcome willkommen bienvenido bienvenue bemvindo admin administrator superuser root user username login signin
master secret changeme change default test testing guest hello hallo abc abcd abcdef abcdefg abcdefgh abcdefghijkl
monkey dragon football baseball basketball fussball princess prinzessin sunshine shadow superman batman starwars
pokemon michael jennifer jordan hunter ranger trustno1 whatever nothing summer winter spring autumn sommer herbst
januar january february march april june july august september october november december monday tuesday wednesday
thursday friday saturday sunday liverpool chelsea arsenal barcelona realmadrid manchester charlie thomas computer
internet samsung google facebook microsoft apple windows linux android agenthost agent telegram openai chatgpt
correcthorsebatterystaple correcthorsebattery mynameis thisismypassword mypassword yourpassword iamthebest
blink182 ncc1701 access flower killer lovely cookie cheese ginger pepper purple orange banana
"""
COMMON = frozenset(WORDS.split())
"""What passwords are made of that are guessed first, in small letters."""
ROWS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "azertyuiop")
SHORT = 4
"""Letters of a name that says nothing about who has it."""


def checked(password: str, *known: str) -> str:
    """Return a password as it's hashed; `known` is what everybody knows of its owner: their address and name.

    Raises BadRequest for one that won't do, which says why and what would.
    """
    password = prepared(password)
    if len(password) < SHORTEST:
        raise BadRequest("password", f"takes {SHORTEST} characters at least; three or four words in a row are fine")
    if len(password) > LONGEST:
        raise BadRequest("password", f"takes {LONGEST} characters at most; it has {len(password)}")
    if _is_easy(_plain(password), {_plain(each) for each in known}):
        raise BadRequest("password", "is among the first that are guessed; take three or four words that few would")
    return password


def _is_easy(password: str, known: set[str]) -> bool:
    if len(set(password)) < LEAST_DIFFERENT or _is_row(password):
        return True
    letters = _letters(password)
    # A word said twice or three times is the word.
    said = {password, letters, _once(password), _once(letters)}
    names = {part for each in known for part in (each, each.partition("@")[0])}
    return bool(said & (COMMON | {part for name in names for part in (name, _letters(name)) if len(part) >= SHORT}))


def _is_row(text: str) -> bool:
    """Say whether a text is a piece of a keyboard's row, or of the alphabet, over and over, forwards or backwards."""
    rows = [each * (len(text) // len(each) + 2) for row in ROWS for each in (row, row[::-1])]
    return any(text in row for row in rows)


def _once(text: str) -> str:
    """Return what a text repeats: "abc" of "abcabcabc"."""
    at = (text + text).find(text, 1) if text else 0
    return text[:at]


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text)


def _plain(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"\s+", "", "".join(letter for letter in spread if not unicodedata.combining(letter)))
