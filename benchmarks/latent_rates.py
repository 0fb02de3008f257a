"""Pixels or latents, and how fine? Photos of clothes, five seeds.

    python benchmarks/latent_rates.py     add the runs that are missing

Autoencoders with a grid of 16 × 16 latents, whose likelihood has one of four
deviations: the larger, the fewer nats the latents carry. A diffusion of the latents is
trained on each, by the same steps; and one of the pixels, whose transformer has as many
squares, for as many CPU seconds as autoencoder and diffusion of latents take together.
A classifier of the kinds, trained on the same photos, reads features of held-out
photos, of what the decoder makes of their latents, and of draws of the same kinds.
"""

import argparse
import functools
import math
import time
from typing import Any

import experiments
import torch
from torch import Tensor

import gmcourse as gm
from gmcourse import EMA, Labels, coordinates, samplers, train
from gmcourse.classifiers import FeatureClassifier
from gmcourse.data import Batches
from gmcourse.diffusion import Diffusion, lognormal
from gmcourse.latent import GridDecoder, GridEncoder, LatentDiffusion
from gmcourse.likelihoods import FixedGaussian
from gmcourse.metrics import frechet_distance
from gmcourse.transformers import DiTDenoiser
from gmcourse.vae import VAE
from gmcourse.zoo.making import adamw, channels_last, straight
from gmcourse.zoo.sources import CLOTHING

STDS = {f"latents, deviation {std}": std for std in (0.03, 0.06, 0.12, 0.24)}
PIXELS = "pixels"
GRID, KINDS, BATCH = (4, 16, 16), 20, 32
CODEC, STEPS, JUDGE = 700, 1_500, 1_200  # updates
SECONDS = 220.0  # of CPU, for pixels


def fitted(
    model: Any, data: Any, steps: int, lr: float, seconds: float = math.inf, **how: Any
) -> Any:
    """The average of the weights; by steps, or by CPU seconds."""
    ema, adam, start = EMA(model, 0.99), adamw(lr, 0.01)(model), time.process_time()
    spent = lambda: (time.process_time() - start) / seconds  # noqa: E731
    pace = straight(steps) if seconds == math.inf else lambda _: max(0.01, 1 - spent())
    how |= {"ema": ema, "schedule": pace, "autocast": torch.bfloat16}
    for _ in train(model, data, adam, steps=steps, **how):
        if spent() > 1:
            break
    return ema.model.eval()


def batches(part: Any, seed: int, labels: bool = True) -> Batches:
    c = part.c if labels else None
    return Batches(part.x, c, transform=part.transform, batch_size=BATCH, seed=seed)


@functools.cache
def judge() -> Any:
    part = CLOTHING.labeled().part("train")
    with gm.seeded(99):
        model = FeatureClassifier(CLOTHING.shape, (KINDS,), width=8)
        return fitted(model, batches(part, 99), JUDGE, 1e-3)


@functools.cache
@torch.no_grad()
def features(split: str) -> Tensor:
    x, _ = CLOTHING.part(split).first(2_000)
    return judge().features_of(x)


def distance(x: Tensor) -> float:
    """To training photos."""
    with torch.no_grad():
        found = judge().features_of(x.clamp(0, 1))
    return frechet_distance(found, features("train"))


def denoiser(
    shape: tuple[int, ...], side: int, center: float, spread: float, **how: Any
) -> Any:
    net = DiTDenoiser(shape, width=80, depth=3, side=side, classes=KINDS)
    kind = {"predict": coordinates.scaled, "times": lognormal(0.0, 1.4)}
    kind |= {"sampler": samplers.dpm_solver, "grid": samplers.karras}
    kind |= {"condition": Labels(KINDS, required=False)}
    return Diffusion(net, shape, center=center, spread=spread, **kind, **how)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    source = CLOTHING.labeled()
    part, (held, kinds) = source.part("train"), source.part("test").first()
    reader = judge()
    floor = distance(held)
    accuracy = (reader(held)[0].argmax(1) == kinds).double().mean().item()

    def measure(case: str, seed: int) -> dict[str, float]:
        start, found = time.process_time(), {}
        if case == PIXELS:
            x, _ = part.first(1_000)
            how = {"center": x.mean().item(), "spread": x.std().item()}
            model: Any = denoiser(CLOTHING.shape, 8, **how, limits=(0.0, 1.0))
            model = fitted(model, batches(part, seed), 10**6, 3e-3, SECONDS, clip=1.0)
        else:
            nets = (
                net(CLOTHING.shape, GRID, width=32)
                for net in (GridEncoder, GridDecoder)
            )
            sizes: Any = {"latent_dim": math.prod(GRID), "event_shape": CLOTHING.shape}
            codec = channels_last(VAE(*nets, FixedGaussian(STDS[case]), **sizes))
            codec = fitted(codec, batches(part, seed, False), CODEC, 2e-3)
            with torch.no_grad():
                x, _ = part.first(500)
                z = codec.encode(x)[0]
                back, rate = (
                    codec.decode(codec.encode(held)[0]),
                    codec.elbo_terms(held)[1],
                )
            error = (back.clamp(0, 1) - held).square().mean().item()
            found = {"rate, nats": rate.mean().item(), "PSNR": -10 * math.log10(error)}
            found["distance of decoded photos"] = distance(back)
            inner = denoiser(GRID, 2, z.mean().item(), z.std().item())
            model = LatentDiffusion(codec, inner)
            model = fitted(model, batches(part, seed), STEPS, 3e-3, clip=1.0)
        found["training seconds"] = time.process_time() - start
        for weight in (1.0, 2.0):
            with torch.no_grad():
                x = model.sample(len(held), kinds, guidance=weight)
            found[f"distance of draws, weight {weight:g}"] = distance(x)
        return found

    about = {
        "title": "Pixels or latents, and how fine?",
        "data": source.title,
        "settings": {"codec": CODEC, "steps": STEPS, "judge": JUDGE, "seconds": SECONDS}
        | {"batch_size": BATCH},
        "judge": {"accuracy": round(accuracy, 4), "floor": round(floor, 3)},
        "machine": experiments.machine(),
    }
    cases = [*STDS, PIXELS]
    record = experiments.run("latent-rates", about, cases, args.seeds, measure)
    keys = ["training seconds", *(f"distance of draws, weight {w}" for w in (1, 2))]
    print(experiments.summary(record, keys))


if __name__ == "__main__":
    main()
