"""Models of text: plays, character by character, and names."""

import dataclasses
from typing import Any

import torch

from ...sequences import GPT, Recurrent
from ..making import Recipe, adamw, muon, straight
from ..measure import NegativeLogProb, NegativeLogProbOfText
from ..sources import NAMES, SHAKESPEARE

_TEXT: Any = {
    "source": SHAKESPEARE,
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


_GPT: Any = {
    "model": lambda: GPT((SHAKESPEARE.length,), 65, rotary=True),
    "optimizer": muon(0.04, 8e-3),
    **_TEXT,
}
_SHORT = dataclasses.replace(SHAKESPEARE, length=64)

RECIPES = (
    Recipe(
        name="gpt-shakespeare",
        title="GPT",
        steps=(10, 1_900, 100_000),
        ema=0.99,
        bytes_note="8 bits for a weight; four blocks of width 128",
        **_GPT,
    ),
    Recipe(
        name="gpt-shakespeare-short",
        title="GPT of 64 characters, shorter",
        steps=(10, 300, 100_000),
        ema=0.95,
        ships=False,
        **_GPT | {"source": _SHORT, "model": lambda: GPT((64,), 65, rotary=True)},
    ),
    Recipe(
        name="gpt-shakespeare-long",
        title="GPT, longer",
        steps=(10, 10_000, 100_000),
        ema=0.99,
        ships=False,
        **_GPT,
    ),
    Recipe(
        name="lstm-shakespeare",
        title="LSTM",
        model=lambda: Recurrent((SHAKESPEARE.length,), 65, width=256),
        optimizer=adamw(4e-3, 0.01),
        steps=(10, 2_000, 100_000),
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
