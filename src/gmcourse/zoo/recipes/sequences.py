"""Models of text: plays, character by character, and names."""

import dataclasses
from typing import Any

import torch

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


def _gpt(source: Text, width: int) -> Any:
    def model() -> GPT:
        return GPT((source.length,), len(source.alphabet), width=width, rotary=True)

    how = {"source": source, "model": model, "optimizer": muon(0.04, 8e-3)}
    return how | _TEXT


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
        **_gpt(dataclasses.replace(SHAKESPEARE, length=64), 128),
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
