"""One small instance of every model and of every prototype, for the battery."""

import torch
from prototypes import PROTOTYPES
from torch import nn
from torch.nn import functional as F

from gmcourse.autoencoders import (
    Autoencoder,
    DenoisingAutoencoder,
    GaussianCodes,
    SparseAutoencoder,
)
from gmcourse.classifiers import FeatureClassifier
from gmcourse.conditions import Labels
from gmcourse.core import GenerativeModel
from gmcourse.histogram import Histogram
from gmcourse.likelihoods import (
    Bernoulli,
    DiscretizedLogistic,
    FixedGaussian,
    Gaussian,
)
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.mixtures import BayesClassifier, BernoulliMixture
from gmcourse.nets import SubPixelDecoder, SubPixelEncoder, WithLabel, mlp
from gmcourse.testing import optimizers
from gmcourse.vae import IWAE, VAE


class TinyGAN(GenerativeModel):
    """A GAN on vectors (Goodfellow et al., 2014): the contract's hardest customer."""

    def __init__(self, dim: int = 3, latent: int = 2, critic_steps: int = 1):
        super().__init__()
        self.event_shape, self.latent = (dim,), latent
        self.critic_steps = critic_steps
        self.generator = mlp(latent, 16, dim)
        self.critic = mlp(dim, 16, 1)

    def losses(self, x, c=None):
        self.check(x, c)
        for _ in range(self.critic_steps):
            fake = self.generate(len(x)).detach()
            real = F.softplus(-self.critic(x)).mean()
            yield "critic", real + F.softplus(self.critic(fake)).mean()
        yield "generator", F.softplus(-self.critic(self.generate(len(x)))).mean()

    def generate(self, n):
        return self.generator(self.noise(n, self.latent))

    def draw(self, n, c=None):
        return self.generate(n)

    def players(self):
        critic, generator = self.critic.parameters(), self.generator.parameters()
        return {"critic": list(critic), "generator": list(generator)}


IMAGE = (1, 8, 8)


def conv_vae(classes=0, likelihood=None, shape=IMAGE):
    likelihood = likelihood or DiscretizedLogistic()
    channels, *size = shape
    encoder = SubPixelEncoder((channels + classes, *size), 2 * 3, width=8, hidden=16)
    out = (likelihood.per_value * channels, *size)
    decoder = SubPixelDecoder(3 + classes, out, width=8, hidden=16)
    if classes:
        encoder, decoder = WithLabel(encoder, classes), WithLabel(decoder, classes)
    kinds = {"latent_dim": 3, "event_shape": shape}
    kinds["condition"] = Labels(classes) if classes else None
    return VAE(encoder, decoder, likelihood, **kinds)


def dense_vae(likelihood, beta=1.0, dim=5):
    encoder, decoder = mlp(dim, 16, 4), mlp(2, 16, likelihood.per_value * dim)
    shape = {"latent_dim": 2, "event_shape": (dim,)}
    return VAE(encoder, decoder, likelihood, beta=beta, **shape)


def flat_ae(kind=Autoencoder, **how):
    encoder = nn.Sequential(nn.Flatten(), mlp(64, 16, 4))
    return kind(encoder, nn.Linear(4, 64), IMAGE, **how)


def histogram():
    model = Histogram([(0.0, 1.0)] * 2, bins=4, smoothing=0.5)
    model.fit(torch.rand(50, 2))
    return model


def bayes():
    models = [BernoulliMixture(2, (5,)) for _ in range(3)]
    return BayesClassifier(models, torch.tensor([1.0, 2.0, 3.0]))


MODELS = {
    "autoencoder": flat_ae,
    "denoising": lambda: flat_ae(DenoisingAutoencoder, std=0.3),
    "sparse": lambda: flat_ae(SparseAutoencoder, weight=0.1),
    "gaussian codes": lambda: GaussianCodes(flat_ae(), 4),
    "annealed vae": lambda: dense_vae(Gaussian(), beta=lambda step: min(1, step / 4)),
    "vae bernoulli": lambda: dense_vae(Bernoulli()),
    "vae gaussian": lambda: dense_vae(Gaussian()),
    "beta-vae fixed gaussian": lambda: dense_vae(FixedGaussian(0.5), beta=4.0),
    "vae conv logistic": conv_vae,
    "vae conv rgb": lambda: conv_vae(shape=(3, 8, 8)),
    "conditional vae": lambda: conv_vae(classes=3),
    "iwae": lambda: IWAE(dense_vae(Bernoulli()), k=3),
    "conditional iwae": lambda: IWAE(conv_vae(classes=3), k=2),
    "linear gaussian": lambda: LinearGaussian(5, 2),
    "gan": TinyGAN,
    "gan, two critic steps": lambda: TinyGAN(critic_steps=2),
    "histogram": histogram,
    "bernoulli mixture": lambda: BernoulliMixture(3, (5,)),
    "bayes classifier": bayes,
    "feature classifier": lambda: FeatureClassifier(IMAGE, (3, 2), width=8),
}
MODELS |= PROTOTYPES

# Concrete classes that are not in the battery, and why.
WITHOUT: dict[str, str] = {}


def optimizer_for(model, lr=1e-3):
    """One Adam, or one for each player."""
    made = optimizers(model, lr)
    return made if len(made) > 1 else made["model"]


def batch_for(model, n=6):
    """Data that the model accepts, with labels in order."""
    x, c = model.example(n)
    if isinstance(model.condition, Labels):
        c = torch.arange(n, device=x.device) % model.condition.classes
    return x, c
