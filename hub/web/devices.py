"""What people call the browser and the machine that a request is from, by what it says of itself."""

import re

BROWSERS = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\bOPR/|\bOpera"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Headless)?(?:Chrome|Chromium|CriOS)/"),
    ("Safari", r"\bSafari/"),
    ("curl", r"^curl/"),
    ("A program", r"^(?:python|node|okhttp|Go-http)"),
)
MACHINES = (
    ("iPhone", r"\biPhone"),
    ("iPad", r"\biPad"),
    ("Android", r"\bAndroid"),
    ("ChromeOS", r"\bCrOS"),
    ("Windows", r"\bWindows"),
    ("Mac", r"\bMac OS X|\bMacintosh"),
    ("Linux", r"\bLinux|\bX11"),
)
LONGEST = 1000
"""Characters that are looked at."""


def device_of(agent: str) -> str:
    """Return as "Firefox on Linux" what a User-Agent header says; of an odd one nothing is repeated."""
    agent = agent[:LONGEST]
    browser = next((name for name, shape in BROWSERS if re.search(shape, agent)), "A browser")
    machine = next((name for name, shape in MACHINES if re.search(shape, agent)), "")
    return f"{browser} on {machine}" if machine else browser
