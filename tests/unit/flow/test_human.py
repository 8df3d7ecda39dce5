"""Who asks for a human gets one; who only speaks of one doesn't."""

import pytest

from hub.flow.human import asks_for_human


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "Can I speak to a real person, please?",
        "human please!",
        "Human",
        "I'd like to speak with an operator.",
        "I’d like to speak with someone real",
        "Get me a human",
        "connect me to a human agent now",
        "please let me talk to a live agent",
        "Ich möchte mit einem Menschen sprechen",
        "Kann ich bitte mit einem Mitarbeiter reden?",
        "Quiero hablar con una persona",
        "hablar con un agente humano, por favor",
        "Quero falar com um atendente",
        "转人工",
        "我要找人工客服",
    ],
)
def test_these_words_ask_for_a_human(text: str) -> None:
    assert asks_for_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Is a human heart bigger than a dog's?",
        "Write a story about a person who wants to talk to a human",
        "a person",
        "Operator",
        "manager",
        "I want to talk to my mother",
        "How many people live in Bonn?",
        "I need a representative sample of the data",
        "Can I see a manager's report?",
        "Tell me about human rights",
        "I talked to a human yesterday and she said the parcel would come today but it hasn't, what now?",
        "quiero hablar con mi madre",
        "Mensch ärgere dich nicht",
        "Mensch!",
    ],
)
def test_these_words_do_not(text: str) -> None:
    assert not asks_for_human(text)
