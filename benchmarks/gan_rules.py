"""The rules of DCGAN, one broken at a time: pixelfaces, a small budget, five seeds.

    python benchmarks/gan_rules.py            add the runs that are missing
    python benchmarks/gan_rules.py --seeds 3  fewer

The baseline follows Radford et al. (2016): batch normalization in both players, strided
convolutions, leaky ReLU in the critic, Adam with rate 0.0002 and β₁ = 0.5. Each other
case changes one thing, and the last one two: R₁ asks for a critic that does not mix
examples, so it is to be compared with the critic without batch normalization. The
measured weights are those of the last step, without an average.
"""

import argparse
from collections.abc import Callable
from typing import Any

import experiments
import torch
from torch import nn

from gmcourse import train
from gmcourse.data import Batches
from gmcourse.gan import GAN, NonSaturating, r1
from gmcourse.nets import DCCritic, DCGenerator
from gmcourse.zoo.making import adams
from gmcourse.zoo.sources import FACES

STEPS, BATCH, WIDTH, LATENT, GAMMA = 800, 64, 16, 64, 0.1
BASE: dict[str, Any] = {
    "generator_norm": True,
    "critic_norm": True,
    "slope": 0.2,
    "strided": True,
    "beta1": 0.5,
    "gamma": 0.0,
}
CASES: dict[str, dict[str, Any]] = {
    "the rules of DCGAN": {},
    "no batch norm in the generator": {"generator_norm": False},
    "no batch norm in the critic": {"critic_norm": False},
    "ReLU in the critic": {"slope": 0.0},
    "max pooling, and copies of pixels": {"strided": False},
    "Adam with beta1 = 0.9": {"beta1": 0.9},
    "no batch norm in the critic, R1": {"critic_norm": False, "gamma": GAMMA},
}


def pooled(critic: DCCritic) -> None:
    """3×3 convolutions at full size, then the largest of each 2×2 square."""
    swap(critic.net, nn.Conv2d, lambda a: [narrow(a), nn.MaxPool2d(2)])


def copied(generator: DCGenerator) -> None:
    """Every pixel copied into a 2×2 square, then 3×3 convolutions."""
    up = lambda a: [nn.Upsample(scale_factor=2), narrow(a)]  # noqa: E731
    swap(generator.net, nn.ConvTranspose2d, up)


def narrow(layer: Any) -> nn.Conv2d:
    return nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1)


def swap(
    net: nn.Sequential,
    kind: type[nn.Module],
    make: Callable[[nn.Module], list[nn.Module]],
) -> None:
    for i, layer in enumerate(net):
        if isinstance(layer, kind):
            net[i] = nn.Sequential(*make(layer))


def made(case: str) -> tuple[GAN, dict[str, torch.optim.Optimizer]]:
    """The untrained model of a case, and its optimizers."""
    how = BASE | CASES[case]
    generator = DCGenerator(LATENT, FACES.shape, WIDTH, how["generator_norm"])
    critic = DCCritic(FACES.shape, 1, WIDTH, how["critic_norm"], how["slope"])
    if not how["strided"]:
        copied(generator)
        pooled(critic)
    model = GAN(
        generator,
        critic,
        NonSaturating(),
        latent_dim=LATENT,
        event_shape=FACES.shape,
        penalty=r1 if how["gamma"] else None,
        penalty_weight=how["gamma"],
    )
    return model, adams(2e-4, (how["beta1"], 0.999))(model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    part, judge = FACES.part("train"), experiments.Judge()

    def measure(case: str, seed: int) -> dict[str, float]:
        model, adam = made(case)
        how: Any = {"batch_size": BATCH, "transform": part.transform, "seed": seed}
        for _ in train(model, Batches(part.x, **how), adam, steps=STEPS):
            pass
        return judge(torch.cat([model.sample(500) for _ in range(4)]))

    about = {
        "title": "The rules of DCGAN, one broken at a time",
        "data": FACES.title,
        "features": judge.name,
        "settings": {"steps": STEPS, "batch_size": BATCH, "width": WIDTH}
        | {"latent_dim": LATENT, "lr": 2e-4, "draws": 2000},
        "baseline": BASE,
        "changes": CASES,
        "machine": experiments.machine(),
    }
    record = experiments.run("gan-rules", about, list(CASES), args.seeds, measure)
    print(experiments.summary(record, ["frechet", "kernel", "precision", "recall"]))


if __name__ == "__main__":
    main()
