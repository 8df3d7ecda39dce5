"""How models are named: a repository on the Hugging Face Hub, a file in it, a quantisation."""

import re

from msgspec import Struct

from hub.config import repository

PARTS = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
QUANTISATION = re.compile(r"(?:^|[-_./])((?:I?Q\d\w*|TQ\d\w*|BF16|F16|F32|FP16|MXFP4\w*))(?=[-_./])", re.IGNORECASE)
LIKED = (
    *("Q4_K_M", "Q5_K_M", "Q4_K_S", "IQ4_XS", "IQ4_NL", "Q4_0", "Q4_1", "Q5_K_S", "Q5_0", "Q6_K", "Q8_0"),
    *("Q3_K_L", "Q3_K_M", "IQ3_M", "Q3_K_S", "IQ3_XS", "Q2_K"),
)
"""Quantisations, best first, weighing sense against size; others come after them by size."""

SMALL = 1 << 30
"""A file of so many bytes with 8 bits a weight is small enough to spare the loss."""


class Repo(Struct, frozen=True):
    """A repository, and the file in it that's meant, or "" for whichever fits."""

    name: str
    file: str = ""

    @classmethod
    def named(cls, text: str) -> "Repo | None":
        """Return what OWNER/REPO[:FILE.gguf] means; None if it's something else."""
        found = repository(text)
        return cls(*found) if found else None

    @property
    def folder(self) -> str:
        """The name of the folder for its files."""
        return self.name.replace("/", "--")

    def __str__(self) -> str:
        return f"{self.name}:{self.file}" if self.file else self.name


class Offer(Struct, frozen=True):
    """A model's file in a repository."""

    name: str
    size: int
    sha256: str


def quantisation(name: str) -> str:
    """Return the quantisation that a file's name tells, or ""."""
    found = QUANTISATION.findall(name)
    return str(found[-1]).upper() if found else ""


def is_model(name: str) -> bool:
    """Say whether a file of that name is a whole model: not a part of one, nor the eyes of one (mmproj)."""
    return name.lower().endswith(".gguf") and not PARTS.search(name) and "mmproj" not in name.lower()


def chosen(offers: list[Offer], memory: int) -> tuple[Offer, str]:
    """Return the file to take if none was named, and why; `memory` is how many bytes it may take.

    There must be one at least.
    """
    fitting = [offer for offer in offers if offer.size <= memory]
    if not fitting:
        least = min(offers, key=lambda offer: offer.size)
        return least, "the smallest; it's more than this machine's memory holds well"
    small = [offer for offer in fitting if quantisation(offer.name) == "Q8_0" and offer.size <= SMALL]
    if small:
        return small[0], "8 bits a weight, for it's small"
    best = min(fitting, key=lambda offer: (_rank(offer.name), offer.size))
    return best, "the best balance of sense and size that fits into this machine's memory"


def _rank(name: str) -> int:
    found = quantisation(name)
    return LIKED.index(found) if found in LIKED else len(LIKED)
