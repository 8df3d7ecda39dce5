"""Which passwords will do."""

import pytest

from hub.errors import BadRequest
from hub.flow.password_rules import LONGEST, checked

ANN = ("ann.smith@example.org", "Ann Smith")


@pytest.mark.parametrize(
    "password",
    [
        "blue tram onion kite",
        "Zürich fährt Bahn",
        "x7!kQ9z#mm2p",
        "пароль из слов",
        "我的密码很长很长也很好记",
        "x" * 200 + "abcdefgh",
    ],
)
def test_a_long_one_that_few_would_guess_will_do_whatever_it_is_made_of(password: str) -> None:
    assert checked(password, *ANN) == password


@pytest.mark.parametrize(
    "password",
    [
        "Password2024!",
        "passwörd12345",
        "!!!Qwertyuiop123",
        "123456789012",
        "098765432109",
        "abcabcabcabc",
        "abcdefghijklm",
        "aaaaaaaaaaaaaaaa",
        "abababababab",
        "Correct Horse Battery Staple",
        "PasswordPassword",
        "            a b c d e",
        "agenthost-2026",
        "ann.smith2026!!",
        "AnnSmith-AnnSmith",
        "ann.smith@example.org",
    ],
)
def test_what_is_among_the_first_to_be_guessed_is_refused(password: str) -> None:
    with pytest.raises(BadRequest, match="password: is among the first that are guessed"):
        checked(password, *ANN)


@pytest.mark.parametrize("password", ["", "elevenchars", "x7!kQ9z#mm2", "ﬁ" * 5])
def test_a_short_one_is_refused_and_told_what_would_do(password: str) -> None:
    with pytest.raises(BadRequest, match="takes 12 characters at least"):
        checked(password)


def test_one_of_256_characters_is_taken_and_one_more_is_not() -> None:
    whole = "blue tram onion kite" * 12 + "x" * 16
    assert len(whole) == LONGEST
    assert checked(whole) == whole
    with pytest.raises(BadRequest, match="at most; it has 257"):
        checked(whole + "y")


def test_it_comes_back_as_it_is_hashed() -> None:
    assert checked("Zu\u0308rich fa\u0308hrt Bahn") == "Zürich fährt Bahn"
