"""German and Spanish times in English words, piece by piece, so that one reader does for all; and English idioms.

Only pieces that speak of a time are put into English. One that turns out to belong to what's to be done is put back.
"""

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

Meaning = str | Callable[[re.Match[str]], str]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_GERMAN_DAYS = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
_SPANISH_DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
_GERMAN_NUMBERS = "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()  # noqa: SIM905
_SPANISH_NUMBERS = "una dos tres cuatro cinco seis siete ocho nueve diez once doce".split()  # noqa: SIM905
_NUMBERS = {
    **dict.fromkeys(("ein", "eine", "einem", "einer", "einen", "un", "uno"), "1"),
    **{word: str(number) for number, word in enumerate(_GERMAN_NUMBERS, 1)},
    **{word: str(number) for number, word in enumerate(_SPANISH_NUMBERS, 1)},
}
_UNITS = {
    **dict.fromkeys(("sekunde", "sekunden", "segundo", "segundos"), "seconds"),
    **dict.fromkeys(("minute", "minuten", "minuto", "minutos"), "minutes"),
    **dict.fromkeys(("stunde", "stunden", "hora", "horas"), "hours"),
    **dict.fromkeys(("tag", "tage", "tagen", "día", "días", "dia", "dias"), "days"),
    **dict.fromkeys(("woche", "wochen", "semana", "semanas"), "weeks"),
    **dict.fromkeys(("monat", "monate", "monaten", "mes", "meses"), "months"),
    **dict.fromkeys(("jahr", "jahre", "jahren", "año", "años"), "years"),
}
_PARTS = {
    **dict.fromkeys(("morgen", "vormittag", "früh", "mañana"), "morning"),
    **dict.fromkeys(("nachmittag", "tarde"), "afternoon"),
    **dict.fromkeys(("abend",), "evening"),
    **dict.fromkeys(("nacht", "noche"), "night"),
}
_ORDINALS = {"ersten": "1st", "zweiten": "2nd", "dritten": "3rd", "vierten": "4th", "letzten": "last"}
_ORDINALES = {"primer": "1st", "primero": "1st", "segundo": "2nd", "tercer": "3rd", "cuarto": "4th", "último": "last"}


class Piece(Struct, frozen=True):
    """A piece of a text as it was said, and in English."""

    said: str
    english: str


def in_english(text: str) -> tuple[str, tuple[Piece, ...]]:
    """Return a text with its times in English, and what was put so."""
    pieces: list[Piece] = []

    def put(found: re.Match[str], meaning: Meaning) -> str:
        english = meaning(found) if callable(meaning) else found.expand(meaning)
        pieces.append(Piece(found[0], english))
        return english

    for pattern, meaning in _MEANINGS:
        text = pattern.sub(lambda found, meaning=meaning: put(found, meaning), text)  # type: ignore[misc]
    return text, tuple(pieces)


def as_said(rest: str, pieces: Sequence[Piece]) -> str:
    """Return what's left of a text in its own words again."""
    for piece in reversed(pieces):
        if piece.english.strip() and piece.english in rest:
            rest = rest.replace(piece.english, piece.said, 1)
    return rest


def _any(words: Sequence[str]) -> str:
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")"


def _days(words: Sequence[str], known: Sequence[str]) -> list[str]:
    plain = [word.lower().replace("sabado", "sábado").replace("miercoles", "miércoles") for word in words]
    return [DAYS[number] for word in plain for number, day in enumerate(known) if word.startswith(day)]


def _all_days(found: re.Match[str]) -> str:
    german = _days(re.findall(_G_DAY, found[0], re.IGNORECASE), _GERMAN_DAYS)
    return f"every {' and '.join(german or _days(re.findall(_S_DAY, found[0], re.IGNORECASE), _SPANISH_DAYS))}"


def _one_day(found: re.Match[str]) -> str:
    word = found["day"]
    return f"on {(_days([word], _GERMAN_DAYS) or _days([word], _SPANISH_DAYS))[0]}"


def _counted(found: re.Match[str]) -> str:
    number, unit = found["number"].lower(), _UNITS[found["unit"].lower()]
    return f"{_NUMBERS.get(number, number)} {unit}"


def _at(found: re.Match[str]) -> str:
    hour, part = found["hour"].lower(), (found["part"] or "").lower()
    minute = found["minute"] or {"media": "30", "cuarto": "15"}.get((found["more"] or "").lower(), "00")
    half = {"mañana": " am", "tarde": " pm", "noche": " pm"}.get(part, "")
    return f"at {_NUMBERS.get(hour, hour)}:{minute}{half}"


def _half(found: re.Match[str]) -> str:
    hour = found["hour"].lower()
    return f"at {(int(_NUMBERS.get(hour, hour)) - 2) % 12 + 1}:30"


def _past(found: re.Match[str]) -> str:
    hour = found["hour"].lower()
    number = HOURS.index(hour) + 1 if hour in HOURS else int(hour)
    minutes = {"half": 30, "quarter": 15}[found["how"].lower()]
    return f"{number}:{minutes}" if found["to"].lower() == "past" else f"{(number - 2) % 12 + 1}:{60 - minutes}"


_G_DAY = _any(_GERMAN_DAYS)
_S_DAY = r"(?:lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bados?|domingos?)"
_NUMBER = rf"(?P<number>\d{{1,4}}|{_any(list(_NUMBERS))})"
_UNIT = rf"(?P<unit>{_any(list(_UNITS))})"
_G_HOUR = rf"(?P<hour>\d{{1,2}}|{_any(_GERMAN_NUMBERS)})"
_S_HOUR = rf"(?P<hour>\d{{1,2}}|{_any(_SPANISH_NUMBERS)})"
_G_AND, _S_AND = r"(?:\s*,\s*|\s+und\s+)", r"(?:\s*,\s*|\s+y\s+)"
_G_EACH = r"(?:jede[nrs]?\s+)"
_E_HOUR = rf"(?P<hour>\d{{1,2}}|{_any(HOURS)})"
_NO_MORE = r"(?P<more>(?!))?(?P<part>(?!))?"
"""Two groups that nothing is in."""

_MEANINGS: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE), meaning)
    for pattern, meaning in (
        # English
        (
            rf"(?:(?<=at )|(?<=by )|\bat\s+)?(?P<how>half|quarter)\s+(?P<to>past|to)\s+{_E_HOUR}",
            _past,
        ),
        (rf"at\s+(?P<hour>{_any(HOURS)})", lambda found: f"at {HOURS.index(found['hour'].lower()) + 1}"),
        # German
        (
            (
                r"(?:jede[nrs]?\s+(?:werk|arbeits|wochen)tag|(?:an\s+)?(?:werk|wochen)tage?[sn]?"
                r"|mo(?:ntags?)?\s*(?:-|–|bis)\s*fr(?:eitags?)?)"
            ),
            "every weekday",
        ),
        (r"(?:jedes\s+wochenende|an\s+wochenenden)", "every weekend"),
        (
            rf"(?:{_G_EACH}{_G_DAY}s?(?:{_G_AND}{_G_EACH}?{_G_DAY}s?)*|(?:{_G_DAY}s(?:{_G_AND}{_G_DAY}s)*))",
            _all_days,
        ),
        (
            rf"jeden\s+(?P<part>{_any(('morgen', 'vormittag', 'nachmittag', 'abend'))})",
            lambda found: f"every {_PARTS[found['part'].lower()]}",
        ),
        (r"(?:jeden\s+tag|täglich)", "every day"),
        (r"(?:jede\s+stunde|stündlich)", "every hour"),
        (r"jeden\s+zweiten\s+tag", "every other day"),
        (rf"alle\s+{_NUMBER}\s+{_UNIT}", lambda found: f"every {_counted(found)}"),
        (r"(?:am\s+)?(?P<day>\d{1,2})\.\s+(?:jedes|jeden|des)\s+monats", r"on the \g<day>th of each month"),
        (
            rf"(?:am\s+)?(?P<which>{_any(list(_ORDINALS))})(?P<last>\s+tag)?\s+(?:jedes|jeden|des)\s+monats",
            lambda found: f"on the {_ORDINALS[found['which'].lower()]} day of each month",
        ),
        (
            rf"(?:am\s+|jeden\s+)(?P<which>{_any(list(_ORDINALS))})\s+(?P<day>{_G_DAY})\s+(?:jedes|jeden|des|im)\s+monats?",
            lambda found: (
                f"on the {_ORDINALS[found['which'].lower()]} {_days([found['day']], _GERMAN_DAYS)[0]} of each month"
            ),
        ),
        (r"in\s+einer\s+halben\s+stunde", "in half an hour"),
        (rf"in\s+{_NUMBER}\s+{_UNIT}", lambda found: f"in {_counted(found)}"),
        (r"übermorgen", "the day after tomorrow"),
        (
            rf"(?P<on>heute|morgen)\s+(?P<part>{_any(list(_PARTS))})",
            lambda found: f"{'this' if found['on'].lower() == 'heute' else 'tomorrow'} {_PARTS[found['part'].lower()]}",
        ),
        (r"heute", "today"),
        (r"morgens", "in the morning"),
        (r"abends", "in the evening"),
        (r"(?<!guten )morgen", "tomorrow"),
        (
            rf"(?:am|nächsten|kommenden|diesen|bis)\s+(?P<day>{_G_DAY})",
            lambda found: ("until " if found[0][:3].lower() == "bis" else "") + _one_day(found),
        ),
        (r"(?:um\s+)?(?:12\s+uhr\s+)?mittags?", "at noon"),
        (r"um\s+mitternacht", "at midnight"),
        (rf"(?:um\s+)?halb\s+{_G_HOUR}", _half),
        (rf"(?:um|gegen)\s+{_G_HOUR}(?:[:.](?P<minute>\d\d))?(?:\s*uhr)?{_NO_MORE}", _at),
        (
            rf"{_G_HOUR}(?:[:.](?P<minute>\d\d))?\s*uhr(?:\s*(?P<minutes>[0-5]\d))?{_NO_MORE}",
            lambda found: (
                f"at {_NUMBERS.get(found['hour'].lower(), found['hour'])}:{found['minute'] or found['minutes'] or '00'}"
            ),
        ),
        # Spanish
        (r"(?:de\s+)?lunes\s+a\s+viernes", "every weekday"),
        (r"(?:cada\s+día\s+laborable|todos\s+los\s+días\s+laborables)", "every weekday"),
        (
            rf"(?:cada\s+{_S_DAY}(?:{_S_AND}{_S_DAY})*|(?:todos\s+)?los\s+{_S_DAY}(?:{_S_AND}(?:los\s+)?{_S_DAY})*)",
            _all_days,
        ),
        (r"(?:cada\s+d[ií]a|todos\s+los\s+d[ií]as|a\s+diario|diariamente)", "every day"),
        (r"(?:cada\s+hora)", "every hour"),
        (rf"cada\s+{_NUMBER}\s+{_UNIT}", lambda found: f"every {_counted(found)}"),
        (
            rf"el\s+(?P<which>\d{{1,2}}|{_any(list(_ORDINALES))})(?P<last>\s+día)?\s+de\s+cada\s+mes",
            lambda found: f"on the {_ORDINALES.get(found['which'].lower(), found['which'] + 'th')} day of each month",
        ),
        (rf"(?:en|dentro\s+de)\s+{_NUMBER}\s+{_UNIT}", lambda found: f"in {_counted(found)}"),
        (r"en\s+media\s+hora", "in half an hour"),
        (r"pasado\s+mañana", "the day after tomorrow"),
        (
            r"mañana\s+por\s+la\s+(?P<part>mañana|tarde|noche)",
            lambda found: f"tomorrow {_PARTS[found['part'].lower()]}",
        ),
        (r"esta\s+(?P<part>mañana|tarde|noche)", lambda found: f"this {_PARTS[found['part'].lower()]}"),
        (r"por\s+la\s+(?P<part>mañana|tarde|noche)", lambda found: f"in the {_PARTS[found['part'].lower()]}"),
        (r"hoy", "today"),
        (
            (
                rf"a\s+las?\s+{_S_HOUR}(?:[:.](?P<minute>\d\d))?(?:\s+y\s+(?P<more>media|cuarto))?"
                r"(?:\s+de\s+la\s+(?P<part>mañana|tarde|noche))?"
            ),
            _at,
        ),
        (r"al?\s+mediodía", "at noon"),
        (r"a\s+medianoche", "at midnight"),
        (r"mañana", "tomorrow"),
        (rf"hasta\s+el\s+(?P<day>{_S_DAY})", lambda found: "until " + _one_day(found)),
        (rf"(?:el\s+próximo|el)\s+(?P<day>{_S_DAY})", _one_day),
        # Both: dates with the name of a month stay as they are, dateparser reads them.
        (r"(?:bis|hasta)(?:\s+zum|\s+el)?(?=\s+\d)", "until"),
    )
)
