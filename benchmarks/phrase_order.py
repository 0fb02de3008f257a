"""Does the order of words reach the picture? Faces by phrases, five seeds.

    python benchmarks/phrase_order.py     add the runs that are missing

The zoo's diffusion of faces, for fewer steps, with its reader of phrases and with one
that adds up the words' vectors and puts a small net on the sum. To this one "glasses,
no beard" and "no glasses, beard" are the same, and so are the two ways to share out two
colors. Both are guided, and the zoo's judge of traits reads what they draw; phrases of
one trait alone are the control.
"""

import argparse
import itertools
from typing import Any

import experiments
import torch
from torch import nn

from gmcourse import EMA, train, zoo
from gmcourse.data import Batches
from gmcourse.phrases import LENGTH, TRAITS, WORDS, named
from gmcourse.zoo.measure import AsPhrased

ENTRY, JUDGE = zoo.recipe("diffusion-faces"), "classifier-traits"
STEPS, BATCH, DRAWS, WEIGHT = 2500, 64, 120, 4.0
BAG, ORDER = "a sum of words", "a transformer"

_COLORS = ["black", "blue", "green", "red"]  # of hair and of hats
PHRASES = {
    "one trait": ["glasses", "no glasses", *(f"{color} hat" for color in _COLORS)],
    "two colors": [
        f"{one} hair, {two} hat" for one, two in itertools.permutations(_COLORS, 2)
    ],
    "one no": ["glasses, no beard", "no glasses, beard"],
}


class Bag(nn.Module):
    """The words of a phrase, whatever their order; no words give zeros."""

    def __init__(self, width: int):
        super().__init__()
        self.words = nn.EmbeddingBag(len(WORDS), width, mode="sum", padding_idx=0)
        into, out = nn.Linear(width, 256, bias=False), nn.Linear(256, width, bias=False)
        self.net = nn.Sequential(into, nn.SiLU(), out)

    def forward(self, c: torch.Tensor) -> torch.Tensor:
        return self.net(self.words(c))


def trained(case: str, part: Any, seed: int) -> Any:
    """The average of the weights of a model with this reader."""
    model: Any = ENTRY.model()
    if case == BAG:
        model.net.label = Bag(model.net.label.head.out_features)
    stream = Batches(
        part.x, part.c, transform=part.transform, batch_size=BATCH, seed=seed
    )
    assert ENTRY.schedule is not None
    how: Any = {"clip": ENTRY.clip, "autocast": ENTRY.autocast}
    how |= {"schedule": ENTRY.schedule(STEPS), "ema": EMA(model, ENTRY.ema)}
    for _ in train(model, stream, ENTRY.optimizer(model), steps=STEPS, **how):
        pass
    return how["ema"].model.eval()


@torch.no_grad()
def read(model: Any, judge: Any, phrases: list[str]) -> tuple[float, float]:
    """In percent of the draws: each trait as it was named; the hat in the hair's color.

    A phrase's hair is not counted: hats hide it.
    """
    texts = phrases * (DRAWS // len(phrases))
    x = model.sample(len(texts), WORDS.encode_all(texts, LENGTH), guidance=WEIGHT)
    found = dict(zip(TRAITS, (head.argmax(1).tolist() for head in judge(x))))
    right = swapped = 0
    for i, text in enumerate(texts):
        asked = named(text)
        hair = asked.pop("hair", None)
        right += all(found[trait][i] == value for trait, value in asked.items())
        if hair is not None:
            swapped += TRAITS["hat"][found["hat"][i]] == TRAITS["hair"][hair]
    return 100 * right / len(texts), 100 * swapped / len(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    part, judge = ENTRY.source.part("train"), zoo.load(JUDGE)
    agreement = AsPhrased(n=200, judge=JUDGE, guidance=WEIGHT, tolerance=1.0)

    def measure(case: str, seed: int) -> dict[str, float]:
        model = trained(case, part, seed)
        found = {}
        for name, phrases in PHRASES.items():
            found[name], swapped = read(model, judge, phrases)
            if name == "two colors":
                found["hat in the hair's color"] = swapped
        return found | {"as phrased": agreement.compute(model, ENTRY.source).value}

    about = {
        "title": "Does the order of words reach the picture?",
        "data": ENTRY.source.title,
        "judge": JUDGE,
        "settings": {"steps": STEPS, "batch_size": BATCH, "guidance": WEIGHT}
        | {"draws": DRAWS},
        "phrases": PHRASES,
        "machine": experiments.machine(),
    }
    cases = [ORDER, BAG]
    record = experiments.run("phrase-order", about, cases, args.seeds, measure)
    print(experiments.summary(record, list(next(iter(record["runs"][ORDER].values())))))


if __name__ == "__main__":
    main()
