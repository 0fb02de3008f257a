"""Which modes of eight Gaussians a small GAN loses, and what brings them back.

    python benchmarks/gan_modes.py             add the runs that are missing
    python benchmarks/gan_modes.py --seeds 3   fewer

Two settings in which modes are lost: Adam with a momentum of 0.9, and a critic whose
rate is a tenth of the generator's. In each of them one thing at a time is changed.
"""

import argparse
from functools import partial
from typing import Any

import experiments
import torch
from torch import nn

from gmcourse import metrics, seeded, train
from gmcourse.data import Batches, densities
from gmcourse.gan import GAN, MinibatchStd, NonSaturating, r1
from gmcourse.nets import mlp

STEPS, BATCH, WIDTH, RATE, DRAWS = 600, 64, 64, 4e-3, 1000
CHANGES: dict[str, dict[str, Any]] = {
    "R1, weight 1": {"penalty": r1},
    "spread of the batch": {"spread": True},
    "label 0.9": {"game": NonSaturating(real_label=0.9)},
    "noise that fades": {"instance_noise": lambda step: 0.5 * (1 - step / STEPS)},
    "spectral norm": {"spectral": True},
    "momentum 0": {"momentum": 0.0},
}
EQUAL, SLOW = (RATE, RATE), (RATE / 10, RATE)  # of the critic, of the generator
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "gan-modes-momentum": (
        {"rates": EQUAL, "momentum": 0.9},
        {"as it is": {}, "momentum 0.5": {"momentum": 0.5}, **CHANGES},
    ),
    "gan-modes-rates": (
        {"rates": SLOW, "momentum": 0.5},
        {"as it is": {}, "equal rates": {"rates": EQUAL}, **CHANGES},
    ),
}


def made(spread: bool = False, spectral: bool = False, **how: Any) -> GAN:
    """The untrained model with what is changed of it."""
    net = partial(mlp, activation=nn.ReLU)
    critic = net(2, WIDTH, WIDTH, 1)
    if spread:  # the second layer also sees how spread out the batch is
        first, act, _, _, last = critic
        middle = MinibatchStd(), nn.Linear(WIDTH + 1, WIDTH), nn.ReLU()
        critic = nn.Sequential(first, act, *middle, last)
    if spectral:
        for layer in critic[::2]:
            nn.utils.parametrizations.spectral_norm(layer)
    game = how.pop("game", None) or NonSaturating()
    sizes: Any = {"latent_dim": 2, "event_shape": (2,)}
    return GAN(net(2, WIDTH, WIDTH, 2), critic, game, **sizes, **how)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    truth = densities.eight_gaussians()
    with seeded(1):
        points, held_out = truth.sample(20_000), truth.sample(DRAWS)

    def outcome(
        rates: tuple[float, float], momentum: float, **how: Any
    ) -> dict[str, float]:
        model = made(**how)
        adams = {
            name: torch.optim.Adam(weights, lr=rate, betas=(momentum, 0.999))
            for (name, weights), rate in zip(model.players().items(), rates)
        }
        for _ in train(model, Batches(points, batch_size=BATCH), adams, steps=STEPS):
            pass
        model.eval().at(STEPS)  # the noise, where there is any, has faded
        drawn = model.sample(DRAWS)
        found = metrics.modes(drawn, truth.means, std=0.25)
        right = (model.judge(held_out) > 0).float().mean()
        right = right + (model.judge(drawn) < 0).float().mean()
        precision, recall = metrics.precision_recall(held_out, drawn)
        return {
            "modes": float(found.covered),
            "quality": found.quality,
            "precision": precision,
            "recall": recall,
            "critic_right": float(right) / 2,
        }

    for name, (always, changes) in SETTINGS.items():
        about = {
            "title": "Modes of eight Gaussians",
            "data": truth.name,
            "settings": {"steps": STEPS, "batch_size": BATCH, "width": WIDTH}
            | {"rates": list(always["rates"]), "momentum": always["momentum"]}
            | {"draws": DRAWS, "modes": len(truth.means)},
            "machine": experiments.machine(),
        }

        def measure(case: str, seed: int, always=always, changes=changes) -> Any:
            return outcome(**always | changes[case])

        record = experiments.run(name, about, list(changes), args.seeds, measure)
        keys = ["modes", "quality", "precision", "recall", "critic_right"]
        print(experiments.summary(record, keys))


if __name__ == "__main__":
    main()
