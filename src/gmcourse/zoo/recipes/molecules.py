"""A model of molecules, written as SMILES."""

from typing import Any

import torch

from ...conditions import Labels
from ...sequences import GPT
from ..making import Recipe, muon, straight
from ..measure import DrawnMolecules, NegativeLogProb
from ..sources import MOLECULES

_NATS: Any = {"tolerance": 0.05}
_SHARES: Any = {"tolerance": 2.0}

RECIPES = (
    Recipe(
        name="gpt-molecules",
        title="GPT told the donors",
        source=MOLECULES,
        model=lambda: GPT(
            (MOLECULES.length,),
            len(MOLECULES.alphabet),
            width=96,
            depth=4,
            heads=4,
            rotary=True,
            condition=Labels(4),
        ),
        steps=(10, 8_000, 100_000),
        measures=(
            NegativeLogProb(n=5_000, **_NATS, quick=NegativeLogProb(n=100, **_NATS)),
            DrawnMolecules(
                n=1_000,
                against=50_000,
                **_SHARES,
                quick=DrawnMolecules(n=100, against=1_000, **_SHARES),
            ),
        ),
        optimizer=muon(0.03, 6e-3),
        schedule=straight,
        batch_size=32,
        ema=0.99,
        autocast=torch.bfloat16,
        bits=8,
    ),
)
