"""What a diffusion in the prior's place saves: the rate of the zoo's clothes.

    python benchmarks/latent_bound.py     add the runs that are missing

The autoencoder is one, so its distortion is, too; the rate is that of its own prior,
or of the diffusion of its latents, told the kind or nothing. Held-out photos; a seed is
one draw of their latents, and 40 draws of the step of the diffusion's bound each.
"""

import argparse
import math
from typing import Any

import experiments
import torch

from gmcourse import zoo
from gmcourse.vae import gaussian_log_prob, reparameterize
from gmcourse.zoo.sources import CLOTHING

ENTRY, DRAWS = "latent-clothing", 40
CASES = ("its normal prior", "diffusion, told nothing", "diffusion, told the kind")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model: Any = zoo.load(ENTRY)
    x, kinds = CLOTHING.labeled().part("test").first()

    @torch.no_grad()
    def measure(case: str, seed: int) -> dict[str, float]:
        mean, log_std = model.codec.encode(x)
        z = reparameterize(mean, log_std)
        seen = model.codec.likelihood.log_prob(model.codec.decode(z), x)
        if case == CASES[0]:
            prior = -(z.square() + math.log(2 * math.pi)).sum(1) / 2
        else:
            grid = z.view(len(x), *model.diffusion.event_shape)
            told = kinds if case == CASES[2] else None
            bounds = (model.diffusion.elbo(grid, told) for _ in range(DRAWS))
            prior = sum(bounds, torch.zeros(len(x))) / DRAWS
        rate = gaussian_log_prob(z, mean, log_std) - prior
        return {"distortion": -seen.mean().item(), "rate": rate.mean().item()}

    about = {
        "title": "What does a diffusion in the prior's place save?",
        "data": CLOTHING.title,
        "settings": {"entry": ENTRY, "photos": len(x), "draws": DRAWS},
        "machine": experiments.machine(),
    }
    record = experiments.run("latent-bound", about, list(CASES), args.seeds, measure)
    print(experiments.summary(record, ["distortion", "rate"]))


if __name__ == "__main__":
    main()
