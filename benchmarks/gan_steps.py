"""An update of both players beside PyTorch-GAN's scripts, at their sizes.

The scripts are programs, not a package, so what they do in an update is told here in
our words: the same networks, losses, batches and order of steps as in `dcgan.py` and
`wgan_gp.py` of https://github.com/eriklindernoren/PyTorch-GAN.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from gmcourse import train
from gmcourse.gan import GAN, NonSaturating, Wasserstein, gradient_penalty

Step = Callable[[], object]
BATCH, NOISE = 64, 100
DRAWS = np.random.default_rng(0)


def forever(x: Tensor) -> Iterator[Tensor]:
    while True:
        yield x


def noise() -> Tensor:
    """As the scripts draw it: by NumPy, in double precision."""
    return torch.tensor(DRAWS.normal(0, 1, (BATCH, NOISE)), dtype=torch.float32)


def adams(generator: nn.Module, critic: nn.Module, **how) -> dict:
    players = {"critic": critic, "generator": generator}
    return {
        name: torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999), **how)
        for name, net in players.items()
    }


def slope() -> nn.Module:
    return nn.LeakyReLU(0.2, inplace=True)


def convolutional() -> tuple[nn.Sequential, nn.Sequential]:
    """The players of `dcgan.py`: 32×32 pixels, 1.2 million weights; logits."""
    generator = nn.Sequential(nn.Linear(NOISE, 128 * 64), nn.Unflatten(1, (128, 8, 8)))
    generator.append(nn.BatchNorm2d(128))
    for inputs, outputs in (128, 128), (128, 64):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        norm = nn.BatchNorm2d(outputs, 0.8)
        generator.extend([nn.Upsample(scale_factor=2), convolution, norm, slope()])
    generator.extend([nn.Conv2d(64, 1, 3, padding=1), nn.Tanh()])
    critic, inputs = nn.Sequential(), 1
    for outputs in 16, 32, 64, 128:
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        critic.extend([convolution, slope(), nn.Dropout2d(0.25)])
        if inputs > 1:
            critic.append(nn.BatchNorm2d(outputs, 0.8))
        inputs = outputs
    return generator, critic.extend([nn.Flatten(), nn.Linear(4 * 128, 1)])


def dcgan() -> tuple[Callable[..., Step], Callable[[], Step]]:
    x = torch.rand(BATCH, 1, 32, 32) * 2 - 1

    def ours(autocast: torch.dtype | None = None) -> Step:
        nets = convolutional()
        sizes = {"latent_dim": NOISE, "event_shape": x.shape[1:]}
        model = GAN(*nets, NonSaturating(), reuse=True, **sizes)
        model.to(memory_format=torch.channels_last)
        turns = adams(*nets, fused=True)
        steps = train(model, forever(x), turns, steps=10**9, autocast=autocast)
        return lambda: next(steps)

    def theirs() -> Step:
        generator, critic = convolutional()
        critic.append(nn.Sigmoid())
        turns, loss = adams(generator, critic), nn.BCELoss()

        def step() -> object:
            real, made = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
            turns["generator"].zero_grad()
            fake = generator(noise())
            fooled = loss(critic(fake), real)
            fooled.backward()
            turns["generator"].step()
            turns["critic"].zero_grad()
            told = (loss(critic(x), real) + loss(critic(fake.detach()), made)) / 2
            told.backward()
            turns["critic"].step()
            return told.item(), fooled.item()

        return step

    return ours, theirs


def dense() -> tuple[nn.Sequential, nn.Sequential]:
    """The players of `wgan_gp.py`: 28×28 pixels in fully connected layers."""
    generator, inputs = nn.Sequential(nn.Linear(NOISE, 128), slope()), 128
    for outputs in 256, 512, 1024:
        norm = nn.BatchNorm1d(outputs, 0.8)
        generator.extend([nn.Linear(inputs, outputs), norm, slope()])
        inputs = outputs
    shape = nn.Unflatten(1, (1, 28, 28))
    generator.extend([nn.Linear(inputs, 784), nn.Tanh(), shape])
    critic = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), slope())
    return generator, critic.extend([nn.Linear(512, 256), slope(), nn.Linear(256, 1)])


def wgan_gp() -> tuple[Callable[[], Step], Callable[[], Step]]:
    """Five steps of the critic, each with a batch, and one of the generator."""
    x = torch.rand(5 * BATCH, 1, 28, 28) * 2 - 1

    def ours() -> Step:
        nets = dense()
        how = {"penalty": gradient_penalty, "penalty_weight": 10.0, "critic_steps": 5}
        sizes = {"latent_dim": NOISE, "event_shape": x.shape[1:]}
        model = GAN(*nets, Wasserstein(), **how, **sizes)
        steps = train(model, forever(x), adams(*nets, fused=True), steps=10**9)
        return lambda: next(steps)

    def theirs() -> Step:
        generator, critic = dense()
        turns = adams(generator, critic)

        def step() -> object:
            for real in x.chunk(5):
                turns["critic"].zero_grad()
                fake = generator(noise())
                t = torch.tensor(DRAWS.random((BATCH, 1, 1, 1))).float()
                between = (t * real + (1 - t) * fake.detach()).requires_grad_()
                value = critic(between)
                one = torch.ones_like(value)
                (slopes,) = torch.autograd.grad(value, between, one, create_graph=True)
                penalty = (slopes.flatten(1).norm(dim=1) - 1).square().mean()
                told = critic(fake).mean() - critic(real).mean() + 10 * penalty
                told.backward()  # the made images are not detached there
                turns["critic"].step()
                turns["generator"].zero_grad()
            fooled = -critic(generator(noise())).mean()
            fooled.backward()
            turns["generator"].step()
            return told.item(), fooled.item()

        return step

    return ours, theirs
