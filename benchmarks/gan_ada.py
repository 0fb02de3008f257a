"""A critic of few images: how much it learns by heart, seen as they are and changed.

    python benchmarks/gan_ada.py            add the runs that are missing
    python benchmarks/gan_ada.py --seeds 2  fewer

Game tiles at 16×16 on black, 300 of them to learn from and 1,000 held out. The critic
sees all images as they are, or each change of them with a probability, which is fixed
or follows a thermostat: every four steps it goes up where r_v, on 64 tiles of each
kind, is above its target, and else down. The thermostat's held-out tiles are another
thousand than those of the measures. Measured are the critic's mean values for the tiles
that it has learned from, for held-out ones and for those that the averaged generator
makes, none of them changed, and the two measures of Karras et al. (2020), eq. 1.
``by_heart``, their r_v: the gap between the first two values as a share of that between
the first and the third, 1 for a critic to whom new real tiles look as made ones do.
``sure``, their r_t: the mean sign of the value of the tiles that it has learned from.
And the generator's Fréchet distance from the held-out tiles in 48 numbers, the mean
colors of 4×4 squares.
"""

import argparse

import experiments
import torch
from torch.nn import functional as F

from gmcourse import EMA, data, metrics, train
from gmcourse.augment import Augment, brightness, contrast, mirror, shift, turn
from gmcourse.gan import GAN, NonSaturating, r1
from gmcourse.nets import DCCritic, DCGenerator
from gmcourse.zoo.making import adams

STEPS, BATCH, WIDTH, LATENT, GAMMA, FEW, OUT = 2_500, 64, 16, 64, 0.01, 300, 1_000
KINDS = (mirror, shift, turn, brightness, contrast)
THERMOSTAT, TARGET, EVERY, IMAGES = "changed, p by a thermostat", 0.3, 4, 40_000
FIXED = {"as they are": 0.0, "changed, p = 0.3": 0.3, "changed, p = 0.6": 0.6}


def tiles() -> torch.Tensor:
    """(n, 3, 16, 16) in [0, 1], on black; those that are alike taken once."""
    x = data.load("tiles", "train").x.float() / 255
    x = F.avg_pool2d(x[:, :3] * x[:, 3:], 2)
    return torch.unique(x, dim=0)


def colors(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(x, 4).flatten(1)


@torch.no_grad()
def steer(model: GAN, averaged: EMA, few: torch.Tensor, out: torch.Tensor) -> None:
    """The thermostat's step, for the images that were seen since the last one."""
    picked = [x[torch.randint(len(x), (BATCH,))] for x in (few, out)]
    sets = *picked, averaged.model.sample(BATCH)
    known, new, made = (model.critic(model.augment(x)).mean() for x in sets)
    above = (known - new - TARGET * (known - made)).sign()
    model.augment.p.add_(above * EVERY * BATCH / IMAGES).clamp_(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    every = tiles()

    def measure(case: str, seed: int) -> dict[str, float]:
        order = torch.randperm(len(every))
        few, out, aside = every[order].split([FEW, OUT, len(every) - FEW - OUT])
        p, shape = FIXED.get(case, 0.0), (3, 16, 16)
        changes = Augment(KINDS, p=p, target=None) if p or case == THERMOSTAT else None
        model = GAN(
            DCGenerator(LATENT, shape, WIDTH),
            DCCritic(shape, 1, WIDTH),
            NonSaturating(),
            latent_dim=LATENT,
            event_shape=shape,
            penalty=r1,
            penalty_weight=GAMMA,
            augment=changes,
        )
        averaged = EMA(model, 0.999)
        batches = data.Batches(few, batch_size=BATCH, seed=seed)
        adam = adams(1e-3, (0.0, 0.99))(model)
        for step in train(model, batches, adam, steps=STEPS, ema=averaged):
            if case == THERMOSTAT and step.index % EVERY == 0:
                steer(model, averaged, few, aside[:OUT])
        made = torch.cat([averaged.model.sample(500) for _ in range(2)])
        with torch.no_grad():
            values = [model.critic(x) for x in (few, out, made)]
        known, new, fake = (float(v.mean()) for v in values)
        return {
            "known": known,
            "new": new,
            "made": fake,
            "by_heart": (known - new) / (known - fake),
            "frechet": metrics.frechet_distance(colors(made), colors(out)),
            "sure": float(values[0].sign().mean()),
            "p": float(changes.p) if changes else 0.0,
        }

    about = {
        "title": "What a critic of few images learns by heart",
        "data": f"{FEW} game tiles, 16×16",
        "features": "mean colors of 4×4 squares",
        "settings": {"steps": STEPS, "batch_size": BATCH, "width": WIDTH}
        | {"latent_dim": LATENT, "gamma": GAMMA, "lr": 1e-3, "held_out": OUT},
        "changes": {case: {"p": p} for case, p in FIXED.items()}
        | {THERMOSTAT: {"target": TARGET, "every": EVERY, "images": IMAGES}},
        "kinds": [kind.__name__ for kind in KINDS],
        "machine": experiments.machine(),
    }
    record = experiments.run(
        "gan-ada", about, [*FIXED, THERMOSTAT], args.seeds, measure
    )
    keys = ["by_heart", "sure", "p", "frechet", "known", "new", "made"]
    print(experiments.summary(record, keys))


if __name__ == "__main__":
    main()
