"""Takes secrets out of what comes back from whoever was given them: it goes to models, answers and the database."""

import base64
import json
from collections.abc import Collection, Mapping
from urllib.parse import quote, quote_plus


def scrubbed(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text with each secret's name, as {{NAME}}, where its value stood."""
    for name, value in sorted(secrets.items(), key=lambda pair: len(pair[1]), reverse=True):
        for form in _forms(value):
            text = text.replace(form, f"{{{{{name}}}}}")
    return text


def _forms(value: str) -> Collection[str]:
    """Return how a secret may come back: as it was, in a URL, in JSON, in base64."""
    if not value:
        return ()
    plain = {value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1]}
    coded = base64.b64encode(value.encode()).decode()
    return sorted({*plain, coded, coded.rstrip("=")}, key=len, reverse=True)
