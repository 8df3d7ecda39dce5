"""Words by which people ask for a human, recognised without any model: rather too seldom than wrongly."""

import re

LONGEST = 120
"""Characters: what's longer is about something, and a word of it proves nothing."""

ENDS = " .!?。！？"  # noqa: RUF001 - as Chinese is written

_PLEASE = r"(?:please|pls|bitte|por favor|请)?[\s,]*"
_WISH = (
    r"(?:(?:i|we)(?:'d| would)? (?:want|like|need|wish)(?: to)?|can i|could i|may i|let me|get me|give me|connect me"
    r"(?: (?:to|with))?|put me through(?: to)?|transfer me(?: to)?|is there)?[\s,]*"
)
_SPEAK = r"(?:to )?(?:(?:speak|talk|chat)(?:ing)? (?:to|with)|reach|have|see)?[\s,]*"
_WHO = (
    r"(?:an?|the|some|your)?[\s]*(?:real|actual|live|human)?[\s]*"
    r"(?:human(?: being)?|real person|person|operator|human agent|live agent|support agent|representative|colleague"
    r"|somebody real|someone real|staff member|member of (?:the )?staff|manager)"
)
_ENGLISH = rf"{_PLEASE}{_WISH}{_SPEAK}{_WHO}(?:,? (?:instead|now|please|here))*"
_BARE = (
    r"(?:an? |ein(?:e|en)? )?(?:person|manager|operator|colleague|representative|mensch|menschen|mitarbeiter(?:in)?)"
)
"""By itself such a word may be the answer to a question."""
_GERMAN = (
    rf"{_PLEASE}(?:(?:ich (?:möchte|will|würde gern(?:e)?|brauche)|kann ich|könnte ich|verbinden? (?:sie )?mich)"
    r"[\s,]*)?(?:bitte )?(?:mit )?(?:einem|einen|einer|ein)?\s*(?:echten |richtigen )?"
    r"(?:menschen|mensch|mitarbeiter(?:in)?|person)(?: (?:sprechen|reden|schreiben|verbunden werden|verbinden|bitte))*"
)
_SPANISH = (
    rf"{_PLEASE}(?:(?:quiero|quisiera|necesito|puedo|me gustaría|déjame)[\s,]*)?(?:hablar con )"
    r"(?:una |un |alguna )?(?:persona(?: real)?|humano|agente(?: humano)?|operador|alguien real)(?:,? por favor)?"
)
_PORTUGUESE = (
    rf"{_PLEASE}(?:(?:quero|queria|preciso|posso|gostaria de)[\s,]*)?(?:falar com )"
    r"(?:uma |um |alguma )?(?:pessoa(?: real)?|humano|atendente|agente humano|operador)(?:,? por favor)?"
)
_CHINESE = r"(?:我想|我要|请|帮我)?(?:找|转|接|转接|联系)?(?:人工(?:客服|服务)?|真人(?:客服)?)(?:吧|谢谢|服务)?"
_ASKS = re.compile("|".join(f"(?:{words})" for words in (_ENGLISH, _GERMAN, _SPANISH, _PORTUGUESE, _CHINESE)))
_ANSWERS = re.compile(_BARE)


def asks_for_human(text: str) -> bool:
    """Say whether somebody asks for a human with these words, and for nothing else."""
    if len(text) > LONGEST:
        return False
    words = re.sub(r"[\s,]+", " ", text.lower().replace("’", "'")).strip(ENDS)
    if not words or _ANSWERS.fullmatch(words):
        return False
    return _ASKS.fullmatch(words) is not None
