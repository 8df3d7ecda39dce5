"""The pieces of which English times are made, as regular expressions."""

import re

_A_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)"
DAY = rf"(?:{_A_DAY}days?)"
_AND = r"(?:\s*,\s*|\s*&\s*|\s+and\s+|\s*,\s*and\s+)(?:on\s+)?"
_DAYS_IN_FULL = rf"(?:{DAY}(?:{_AND}{DAY})*)"
_DAY_RANGE = rf"(?P<first>{DAY})\s*(?:-|–|to|through|till)\s*(?P<last>{DAY})"
_SEVERAL_DAYS = rf"(?:on\s+)?(?P<plural>{_A_DAY}days(?:{_AND}{_A_DAY}days)*)"
MONTH = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?|sept?(?:ember)?"
    r"|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre"
    r"|noviembre|diciembre)"
)
_UP_TO_TWELVE = "two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
WORDS = {
    **dict.fromkeys(("a", "an", "one"), 1),
    **{word: number for number, word in enumerate(_UP_TO_TWELVE, 2)},
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
    "a couple of": 2,
    "a few": 3,
}
_COUNT = rf"(?:\d{{1,4}}(?:\.5)?|{'|'.join(sorted(WORDS, key=len, reverse=True))})"
_PART = r"(?P<part>morning|afternoon|evening|night)"
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifteenth": 15, "last": 0}
_ORDINAL = rf"(?:[12]?\d(?:st|nd|rd|th)|3(?:0th|1st)|{'|'.join(ORDINALS)})"
_DATE = (
    rf"(?:\d{{4}}-\d\d-\d\d|(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?{MONTH}\b\.?(?:\s+(?:de\s+)?\d{{4}})?"
    rf"|{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?|\d{{1,2}}\.\d{{1,2}}\.\d{{4}}|\d{{1,2}}/\d{{1,2}}/\d{{4}})"
)
_IN_PARTS = rf"(?:\s+(?:in\s+the\s+|at\s+)?{_PART})?"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


INTERVAL = _compiled(
    rf"\b(?:every|each)\s+(?:(?P<half>half\s+(?:an\s+)?hour)|(?P<other>other\s+)?(?:(?P<number>{_COUNT})\s+)?"
    r"(?P<unit>seconds?|minutes?|hours?|days?|weeks?|months?))\b|\b(?P<hourly>hourly)\b"
)
ON_DAYS = _compiled(rf"\s*(?:on\s+)?(?P<days>{_DAYS_IN_FULL})\b")
OTHER_DAY = _compiled(
    rf"\b(?:every|each)\s+(?P<which>other|second)\s+(?P<day>{DAY})\b(?!\s+(?:of|in)\s+(?:the|each|every)\s+month)"
)
MONTHLY = (
    _compiled(
        rf"\b(?:on\s+)?(?:the\s+|every\s+|each\s+)?(?P<which>{_ORDINAL}(?:\s*(?:,|and|&)\s*(?:the\s+)?{_ORDINAL})*)"
        rf"(?:\s+(?:days?\b|(?P<day>{DAY})))?\s+(?:of|in)\s+(?:each|every|the)\s+month\b"
    ),
    _compiled(
        rf"\b(?:(?:every|each)\s+month|monthly)\s*,?\s+(?:on\s+)?(?:the\s+)?(?P<which>{_ORDINAL}(?:\s*(?:,|and|&)\s*(?:the\s+)?"
        rf"{_ORDINAL})*)(?:\s+(?:day\b|(?P<day>{DAY})))?(?!\w)"
    ),
)
YEARLY = _compiled(
    rf"\b(?:(?:(?:every|each)\s+year|yearly|annually)\s+(?:on\s+)?(?P<date>{_DATE})|(?:every|each)\s+(?P<each>{_DATE})"
    rf"|(?:on\s+)?(?P<before>{_DATE})\s+(?:of\s+)?(?:every|each)\s+year)"
)
EVERY = _compiled(
    rf"\b(?:on\s+)?(?:(?:every|each)\s+(?:single\s+)?(?:{_DAY_RANGE}|(?P<days>{_DAYS_IN_FULL})"
    r"(?:\s+(?P<part_of_day>morning|afternoon|evening|night))?|(?P<weekdays>weekday|work(?:ing)?\s?day)s?|(?P<weekend>weekend)s?"
    rf"|day|{_PART})|(?P<on_weekdays>weekdays|work(?:ing)?\s?days)|(?P<on_weekends>weekends)|daily|nightly)\b"
)
BARE = _compiled(rf"\b(?:{_DAY_RANGE}|{_SEVERAL_DAYS})\b")
"""Days alone, which come again where there are several: "Mondays", "Monday to Friday"."""
VAGUE = _compiled(r"\b(?:weekly|monthly|yearly|annually|(?:every|each)\s+(?:week|month|year))\b")
SPAN = _compiled(
    r"\bin\s+(?:(?P<half>half\s+an\s+hour)|(?P<quarter>a\s+quarter\s+of\s+an\s+hour)|(?P<hour_and>an\s+hour\s+and\s+a\s+half)"
    rf"|(?P<hours>\d{{1,2}})\s*h(?:ours?)?\s*(?:and\s+)?(?P<minutes>\d{{1,2}})\s*m(?:in(?:ute)?s?)?"
    rf"|(?P<number>{_COUNT})\s*(?P<unit>(?:sec(?:ond)?|min(?:ute)?|hour|day|week|month|year)s?|[smhdw]))"
    r"(?:['’]s?\s+time)?(?!\w)"
)
FROM_NOW = _compiled(rf"\b(?P<number>{_COUNT})\s+(?P<unit>(?:minute|hour|day|week|month)s?)\s+from\s+now\b")
ON = _compiled(
    rf"\b(?:(?P<after>(?:the\s+)?day\s+after\s+tomorrow)|(?P<tomorrow>tomorrow)|(?P<tonight>tonight)|(?P<today>today)"
    r"|(?P<next_week>next\s+week)|(?P<end>(?:at\s+)?the\s+end\s+of\s+the\s+month)"
    rf"|(?:on\s+|next\s+|this\s+|coming\s+|on\s+next\s+)?(?P<weekday>{DAY})(?:\s+next\s+(?P<in_next_week>week))?"
    rf"|(?:on\s+|am\s+|el\s+)?(?P<date>{_DATE})"
    r"|on\s+the\s+(?P<month_day>[12]?\d(?:st|nd|rd|th)|3(?:0th|1st))(?!\s+(?:of|day))"
    rf"|this(?=\s+(?:morning|afternoon|evening))){_IN_PARTS}(?!\w)"
)
CLOCK = _compiled(
    r"(?:\b(?:at|by|around)\s+)?(?:\b(?P<noon>noon|midday|midnight)\b"
    r"|(?:(?<=\bat\s)|(?<=\bby\s)|(?<=around\s)|(?=\d{1,2}(?:[:.]\d\d|\s*[ap]\.?m\b|\s*o['’]?clock)))"
    r"(?<![\d.:/-])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?:\s*(?P<half>[ap]\.?m)\b\.?)?(?:\s*o['’]?clock)?(?![\d:%€$/-]|\.\d))"
)
MORE_CLOCK = _compiled(
    r"\s*(?P<how>,|and|&|or)\s*(?:at\s+)?(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?:\s*(?P<half>[ap]\.?m)\b\.?)?"
    r"(?=\s*$|\s*,|\s+(?!\w+s\b))"
)
IN_PART = _compiled(rf"\bin\s+the\s+{_PART}\b")
UNTIL = _compiled(r"\b(?:until|till|up\s+to|through)\s+(?:and\s+including\s+)?(?:the\s+)?")
FROM = _compiled(r"\b(?:starting|beginning|from)\s+(?:on\s+|from\s+)?(?=\S)")
FOR = _compiled(rf"\bfor\s+(?:the\s+next\s+)?(?P<number>{_COUNT})\s+(?P<unit>days?|weeks?|months?)\b")
