"""Three critics of few images: how much they learn by heart, and what it costs.

    python benchmarks/gan_ada.py            add the runs that are missing
    python benchmarks/gan_ada.py --seeds 2  fewer

Game tiles at 16×16 on black, 300 of them to learn from and 1,000 held out. The critic
sees them as they are; or transformed with a probability that stays; or with one that
follows how sure the critic is (Karras et al., 2020). Measured is the critic's mean value
for the tiles that it has learned from, for held-out ones and for those made by the
averaged generator, all of them untransformed; the gap between the first two, as a share
of that between the first and the third, is 1 for a critic to whom new real tiles look
as made ones do. And the generator's Fréchet distance from the held-out tiles in 48
numbers, the mean colors of 4×4 squares.
"""

import argparse
from typing import Any

import experiments
import torch
from torch.nn import functional as F

from gmcourse import EMA, data, metrics, train
from gmcourse.augment import Augment, brightness, contrast, mirror, shift, turn
from gmcourse.gan import GAN, NonSaturating, r1
from gmcourse.nets import DCCritic, DCGenerator
from gmcourse.zoo.making import adams

STEPS, BATCH, WIDTH, LATENT, GAMMA, FEW, OUT = 4_000, 64, 24, 64, 0.01, 300, 1_000
KINDS = (mirror, shift, turn, brightness, contrast)
CASES: dict[str, dict[str, Any] | None] = {
    "as they are": None,
    "transformed, p = 0.3": {"p": 0.3, "target": None},
    "transformed, p by the critic": {"target": 0.6, "images": 50_000},
}


def tiles() -> torch.Tensor:
    """(n, 3, 16, 16) in [0, 1], on black; those that are alike taken once."""
    x = data.load("tiles", "train").x.float() / 255
    x = F.avg_pool2d(x[:, :3] * x[:, 3:], 2)
    return torch.unique(x, dim=0)


def colors(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(x, 4).flatten(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    every = tiles()

    def measure(case: str, seed: int) -> dict[str, float]:
        order = torch.randperm(len(every))
        few, out = every[order[:FEW]], every[order[FEW : FEW + OUT]]
        how = CASES[case]
        seen = None if how is None else Augment(KINDS, **how)
        shape = (3, 16, 16)
        model = GAN(
            DCGenerator(LATENT, shape, WIDTH),
            DCCritic(shape, 1, WIDTH),
            NonSaturating(),
            latent_dim=LATENT,
            event_shape=shape,
            penalty=r1,
            penalty_weight=GAMMA,
            augment=seen,
        )
        averaged = EMA(model, 0.999)
        batches = data.Batches(few, batch_size=BATCH, seed=seed)
        adam = adams(1e-3, (0.0, 0.99))(model)
        for _ in train(model, batches, adam, steps=STEPS, ema=averaged):
            pass
        made = torch.cat([averaged.model.sample(500) for _ in range(2)])
        with torch.no_grad():
            known, new, fake = (float(model.critic(x).mean()) for x in (few, out, made))
        return {
            "known": known,
            "new": new,
            "made": fake,
            "by_heart": (known - new) / (known - fake),
            "frechet": metrics.frechet_distance(colors(made), colors(out)),
            "p": 0.0 if seen is None else float(seen.p),
        }

    about = {
        "title": "What a critic of few images learns by heart",
        "data": f"{FEW} game tiles, 16×16",
        "features": "mean colors of 4×4 squares",
        "settings": {"steps": STEPS, "batch_size": BATCH, "width": WIDTH}
        | {"latent_dim": LATENT, "gamma": GAMMA, "lr": 1e-3, "held_out": OUT},
        "changes": {k: "" if v is None else str(v) for k, v in CASES.items()},
        "kinds": [kind.__name__ for kind in KINDS],
        "machine": experiments.machine(),
    }
    record = experiments.run("gan-ada", about, list(CASES), args.seeds, measure)
    print(experiments.summary(record, ["by_heart", "frechet", "p", "known", "new"]))


if __name__ == "__main__":
    main()
