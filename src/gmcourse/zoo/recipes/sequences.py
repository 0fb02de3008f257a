"""Models of text: plays, character by character, and names."""

import dataclasses
from typing import Any

import torch
from torch import nn

from ...sequences import GPT, Recurrent
from ..making import Recipe, adamw, muon, straight
from ..measure import NegativeLogProb, NegativeLogProbOfText
from ..sources import NAMES, SHAKESPEARE, Text

_TEXT: Any = {
    "measures": (
        NegativeLogProbOfText(
            n=200_000,
            tolerance=0.005,
            quick=NegativeLogProbOfText(n=5_000, tolerance=0.005),
        ),
    ),
    "batch_size": 16,
    "schedule": straight,
    "autocast": torch.bfloat16,
    "bits": 8,
}


def _gpt(source: Text, width: int, *, quiet: bool = False) -> Any:
    def model() -> GPT:
        sizes = (source.length,), len(source.alphabet)
        gpt = GPT(*sizes, width=width, rotary=True)
        return _quiet(gpt) if quiet else gpt

    how = {"source": source, "model": model, "optimizer": muon(0.04, 8e-3)}
    return how | _TEXT


def _quiet(gpt: GPT) -> GPT:
    """Blocks that add nothing at first, to tokens' vectors of standard deviation 1.

    So a prediction starts from the last character alone. In the 310 steps below this
    gained 0.075 nats a character (0.054 the vectors alone, 0.027 the blocks alone) on
    a twentieth of the training text that was left out for it; one seed each.
    """
    nn.init.normal_(gpt.token.weight)
    for block in gpt.net.blocks:
        for weights in (block.attention.out.weight, *block.mlp[2].parameters()):
            nn.init.zeros_(weights)
    return gpt


RECIPES = (
    Recipe(
        name="gpt-shakespeare",
        title="GPT",
        steps=(10, 2_100, 100_000),
        ema=0.99,
        bytes_note="8 bits for a weight; 550,000 of them",
        **_gpt(SHAKESPEARE, 104),
    ),
    Recipe(
        name="gpt-shakespeare-short",
        title="GPT of 64 characters, shorter",
        steps=(10, 310, 100_000),
        ema=0.8,
        ships=False,
        **_gpt(dataclasses.replace(SHAKESPEARE, length=64), 128, quiet=True),
    ),
    Recipe(
        name="gpt-shakespeare-long",
        title="GPT, longer",
        steps=(10, 10_000, 100_000),
        ema=0.99,
        ships=False,
        **_gpt(SHAKESPEARE, 104),
    ),
    Recipe(
        name="lstm-shakespeare",
        title="LSTM",
        source=SHAKESPEARE,
        model=lambda: Recurrent((SHAKESPEARE.length,), 65, width=256),
        optimizer=adamw(4e-3, 0.01),
        steps=(10, 5_500, 100_000),
        ema=0.99,
        ships=False,
        **_TEXT,
    ),
    Recipe(
        name="gpt-names",
        title="GPT",
        source=NAMES,
        model=lambda: GPT((NAMES.length,), 27, width=48, depth=3, heads=4),
        steps=(10, 10_000, 100_000),
        measures=(
            NegativeLogProb(
                n=10_000, tolerance=0.02, quick=NegativeLogProb(n=200, tolerance=0.02)
            ),
        ),
        optimizer=adamw(3e-3, 0.1),
        schedule=straight,
        ema=0.99,
    ),
)
