"""Which file of a repository is taken when none is named."""

import pytest

from hub.weights.names import Offer, chosen, is_model, quantisation

GB = 1 << 30


def offers(**sizes: float) -> list[Offer]:
    return [Offer(f"model-{name}.gguf", int(size * GB), "0" * 64) for name, size in sizes.items()]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Qwen2.5-7B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("model.q8_0.gguf", "Q8_0"),
        ("x-IQ4_XS.gguf", "IQ4_XS"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("Llama-3-8B-f16.gguf", "F16"),
        ("model-BF16.gguf", "BF16"),
        ("plain.gguf", ""),
    ],
)
def test_a_files_name_tells_its_quantisation(name: str, found: str) -> None:
    assert quantisation(name) == found


@pytest.mark.parametrize(
    ("name", "whole"),
    [("a.gguf", True), ("a-00001-of-00003.gguf", False), ("mmproj-a.gguf", False), ("a.safetensors", False)],
)
def test_parts_and_projectors_are_no_models(name: str, *, whole: bool) -> None:
    assert is_model(name) is whole


@pytest.mark.parametrize(
    ("memory", "taken", "why"),
    [
        (64, "Q4_K_M", "the best balance"),
        (4.5, "Q3_K_M", "the best balance"),
        (1, "Q2_K", "more than this machine's memory"),
    ],
)
def test_of_a_big_model_the_best_that_fits_is_taken(memory: float, taken: str, why: str) -> None:
    there = offers(F16=15, Q8_0=8, Q6_K=6.2, Q5_K_M=5.4, Q4_K_M=4.7, Q3_K_M=3.8, Q2_K=3.0)

    found, reason = chosen(there, int(memory * GB))

    assert quantisation(found.name) == taken
    assert why in reason


def test_of_a_small_model_the_one_with_least_loss_is_taken() -> None:
    assert chosen(offers(Q4_K_M=0.3, Q8_0=0.5, F16=1.0), 8 * GB)[0].name == "model-Q8_0.gguf"


def test_a_lone_file_is_taken_whatever_it_is() -> None:
    assert chosen(offers(odd=0.1), 8 * GB)[0].name == "model-odd.gguf"
