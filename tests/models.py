"""One small instance of every model and of every prototype, for the battery."""

import torch
from prototypes import PROTOTYPES
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gmcourse.augment import Augment, brightness, contrast, mirror, shift, turn
from gmcourse.autoencoders import (
    Autoencoder,
    DenoisingAutoencoder,
    GaussianCodes,
    SparseAutoencoder,
)
from gmcourse.autoregressive import MADE, NADE
from gmcourse.autoregressive_flows import Conditionals, masked_flow
from gmcourse.classifiers import FeatureClassifier, SoundClassifier
from gmcourse.conditions import Labels, Like
from gmcourse.continuous import ContinuousFlow, ConvField, continuous_flow, signs
from gmcourse.coordinates import scaled, velocity
from gmcourse.denoisers import PointDenoiser
from gmcourse.dequantization import Dequantized
from gmcourse.diffusion import Diffusion, lognormal
from gmcourse.drifting import Drifting, balanced_drift, gaussian
from gmcourse.flows import Coupling, Flow, coupling_flow
from gmcourse.gan import (
    GAN,
    Hinge,
    LeastSquares,
    MinibatchStd,
    NonSaturating,
    Projection,
    Relativistic,
    Wasserstein,
    gradient_penalty,
    r1,
    r2,
)
from gmcourse.glow import CouplingNet, Logit, glow
from gmcourse.histogram import Histogram
from gmcourse.latent import GridDecoder, GridEncoder, LatentDiffusion
from gmcourse.likelihoods import (
    Bernoulli,
    Categorical,
    DiscretizedLogistic,
    FixedGaussian,
    Gaussian,
    LogisticMixture,
)
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.meanflow import MeanFlow
from gmcourse.mixtures import BayesClassifier, BernoulliMixture
from gmcourse.monotone import Affine, RationalQuadratic, Shift
from gmcourse.multiscale import multiscale_flow
from gmcourse.nets import SubPixelDecoder, SubPixelEncoder, UNet, WithLabel, mlp
from gmcourse.paths import Exploding, Straight
from gmcourse.phrases import LENGTH, WORDS, PhraseEncoder
from gmcourse.pixels import PixelCNN, RowCNN, RowLSTM
from gmcourse.planar import Planar
from gmcourse.probability_flow import probability_flow
from gmcourse.samplers import churned, karras
from gmcourse.scales import CoarseToFine
from gmcourse.sequences import GPT, Recurrent
from gmcourse.style import PathLength, StyleGenerator
from gmcourse.tarflow import tarflow
from gmcourse.testing import optimizers
from gmcourse.transformers import DiTDenoiser
from gmcourse.translation import (
    CycleGAN,
    ImageToImage,
    PatchCritic,
    Pix2Pix,
    Regression,
)
from gmcourse.unet import UNetDenoiser
from gmcourse.vae import IWAE, VAE
from gmcourse.wavenet import WaveNet


def small_pixelcnn(likelihood, **how):
    sizes = {"width": 6, "depth": 3, "reach": 1, "head": 6}
    return PixelCNN((1, 3, 4), likelihood, **sizes, **how)


def small_rowcnn(likelihood, **how):
    sizes = {"width": 6, "depth": 2, "hidden": 12, "context": 3}
    return RowCNN((1, 6, 5), likelihood, **sizes, **how)


def small_gpt(event_shape, **how):
    return GPT(event_shape, 4, width=8, depth=2, heads=2, **how)


def small_recurrent(event_shape, **how):
    return Recurrent(event_shape, 4, width=6, **how)


def small_wavenet(event_shape, dilations=(1, 2, 1), **how):
    return WaveNet(event_shape, 4, width=8, dilations=dilations, head=16, **how)


class TinyGAN(GAN):
    """A GAN on vectors: the contract's hardest customer."""

    def __init__(self, game=None, critic=None, *, dim=3, **how):
        nets, sizes = (mlp(2, 16, dim), critic or mlp(dim, 16, 1)), {"latent_dim": 2}
        super().__init__(
            *nets, game or NonSaturating(), event_shape=(dim,), **sizes, **how
        )


def wasserstein_gan():
    # Without a bias at its end, which would cancel between real and fake.
    critic = nn.Sequential(mlp(3, 16), nn.SiLU(), nn.Linear(16, 1, bias=False))
    penalty = lambda *a: 10 * gradient_penalty(*a)  # noqa: E731
    return TinyGAN(Wasserstein(), critic, penalty=penalty, critic_steps=3)


def relativistic_gan():
    critic = nn.Sequential(mlp(3, 16), nn.SiLU(), nn.Linear(16, 1, bias=False))
    return TinyGAN(Relativistic(), critic, penalty=lambda *a: r1(*a) + r2(*a))


def patient_gan():
    """Batch statistics in each of five steps: a batch holds ten, more than is usual."""
    generator = nn.Sequential(nn.BatchNorm1d(2), mlp(2, 16, 3))
    sizes = {"latent_dim": 2, "event_shape": (3,), "critic_steps": 5}
    return GAN(generator, mlp(3, 16, 1), NonSaturating(), **sizes)


def image_gan():
    """Batch statistics in both players, spectral norm in one: buffers that move."""
    generator = nn.Sequential(
        nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 64)
    )
    generator.append(nn.Unflatten(1, IMAGE))
    critic = nn.Sequential(
        spectral_norm(nn.Conv2d(1, 4, 3, stride=2, padding=1)),
        nn.LeakyReLU(0.2),
        MinibatchStd(),
        nn.Flatten(),
        spectral_norm(nn.Linear(80, 1)),
    )
    sizes = {"latent_dim": 2, "event_shape": IMAGE}
    noise = lambda step: max(0.0, 0.5 - step / 10)  # noqa: E731
    return GAN(generator, critic, Hinge(), instance_noise=noise, **sizes)


def conditional_gan():
    nets = WithLabel(mlp(5, 16, 3), 3), Projection(mlp(3, 16), 16, 3)
    how = {"latent_dim": 2, "event_shape": (3,), "condition": Labels(3)}
    return GAN(*nets, NonSaturating(0.9), reuse=True, **how)


def style_gan():
    """Buffers that move in both players' turns: a mean style, a length, a chance."""
    generator = StyleGenerator(2, IMAGE, width=2, style_width=4, mapping_layers=2)
    critic = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(64, 1),
    )
    kinds = mirror, turn, shift, brightness, contrast
    return GAN(
        generator,
        critic,
        NonSaturating(),
        latent_dim=2,
        event_shape=IMAGE,
        penalty=r1,
        augment=Augment(kinds, p=0.5, images=200),
        regularizer=PathLength(every=2),
    )


IMAGE = (1, 8, 8)
COLOR = (3, 8, 8)


def pix2pix():
    nets = ImageToImage(COLOR, IMAGE, width=16, noise=1), PatchCritic(4, width=8)
    shapes = {"source_shape": COLOR, "event_shape": IMAGE}
    return Pix2Pix(*nets, NonSaturating(), penalty=r1, **shapes)


def cycle_gan(source=COLOR, **how):
    forth = ImageToImage(source, IMAGE, width=16, noise=1)
    back = ImageToImage(IMAGE, source, width=16, noise=1)
    critics = PatchCritic(source[0], width=8), PatchCritic(1, width=8)
    shapes = {"source_shape": source, "event_shape": IMAGE}
    return CycleGAN(forth, back, *critics, LeastSquares(), **shapes, **how)


def regression():
    return Regression(ImageToImage(COLOR, IMAGE, width=16, noise=1), COLOR, IMAGE)


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


def images_flow(**how):
    return glow((1, 4, 4), width=4, sizes=1, steps=1, **how)


def small_tarflow(**how):
    sizes = {"side": 2, "layers": 2, "width": 8, "depth": 1, "heads": 2}
    return tarflow((1, 4, 4), **sizes, **how)


def varied_dequantization():
    """Noise that sees the image, at its own size."""
    noise = Coupling(CouplingNet(1, 2, 4, beside=2), Affine())
    flow = Flow(Logit(), Coupling(CouplingNet(1, 2, 4), Affine()), event_shape=COLORS)
    return Dequantized(flow, noise)


COLORS = (2, 4, 4)


def continuous_images(**how):
    field = ConvField((1, 4, 4), width=4, depth=1)
    return ContinuousFlow(field, (1, 4, 4), steps=2, probe=signs, jacobian=0.1, **how)


def pixelcnn_flow():
    transform = RationalQuadratic(3, bound=3.0)
    return Flow(Conditionals(small_pixelcnn(transform), transform), event_shape=SMALL)


SMALL = (1, 3, 4)


def point_diffusion(classes=0, required=False, **how):
    net = PointDenoiser(2, width=8, depth=1, classes=classes)
    c = Labels(classes, required=required) if classes else None
    return Diffusion(net, (2,), condition=c, steps=3, **how)


class ImageNet(nn.Module):
    """The image and its time as channels of one convolution each way."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 1, 3, padding=1)
        )

    def forward(self, x, t, c=None):
        time = t.view(-1, 1, 1, 1).expand_as(x)
        return self.net(torch.cat([x, time], 1))


def image_diffusion():
    """Karras et al. (2022) in small: all that is theirs, and the limits of pixels."""
    how = {"path": Exploding(), "predict": scaled, "times": lognormal()}
    grid = {"sampler": churned, "grid": karras, "steps": 3}
    units = {"center": 0.5, "spread": 0.5, "limits": (0.0, 1.0)}
    return Diffusion(ImageNet(), IMAGE, **how, **grid, **units)


def phrased_diffusion():
    """A transformer, told phrases."""
    encoder = PhraseEncoder(8, width=8, heads=2)
    net = DiTDenoiser((1, 4, 4), width=8, depth=1, heads=2, encoder=encoder)
    c = Like((LENGTH,), torch.int64, levels=len(WORDS), required=False)
    return Diffusion(net, (1, 4, 4), condition=c, steps=3)


def latent_diffusion():
    image, grid = (1, 8, 8), (2, 2, 2)
    codec = VAE(
        GridEncoder(image, grid, width=8),
        GridDecoder(image, grid, width=8),
        FixedGaussian(0.1),
        latent_dim=8,
        event_shape=image,
    )
    net = UNetDenoiser(grid, width=8, classes=3)
    c = Labels(3, required=False)
    return LatentDiffusion(codec, Diffusion(net, grid, condition=c, steps=3))


def image_meanflow():
    """With guidance that is taught, weights, and the limits of pixels."""
    net = DiTDenoiser((1, 4, 4), width=8, depth=1, heads=2, classes=3, times=2)
    units = {"center": 0.5, "spread": 0.5, "limits": (0.0, 1.0)}
    c = Labels(3, required=False)
    return MeanFlow(net, (1, 4, 4), condition=c, guidance=2.0, power=1.0, **units)


def drifting_features():
    """All that was published in small: features, several reaches, a field per label."""
    net = WithLabel(mlp(7, 16, 5), 3)
    how = {"features": nn.Linear(5, 4), "noise_shape": (4,), "tau": (0.2, 1.0)}
    how |= {"field": balanced_drift, "kernel": gaussian}
    return Drifting(net, (5,), condition=Labels(3), **how)


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
    "wasserstein gan": wasserstein_gan,
    "relativistic gan": relativistic_gan,
    "gan with five critic steps": patient_gan,
    "gan of images": image_gan,
    "conditional gan": conditional_gan,
    "style-based gan": style_gan,
    "regression of images": regression,
    "pix2pix": pix2pix,
    "cycle gan": cycle_gan,
    "cycle gan with identity": lambda: cycle_gan(IMAGE, identity_weight=10.0),
    "made": lambda: MADE((5,), width=16, depth=2),
    "fully visible": lambda: MADE((5,), depth=0),
    "nade": lambda: NADE((2, 3), 8),
    "row lstm": lambda: RowLSTM((1, 3, 4), Bernoulli(), width=6, reach=2),
    "row cnn": lambda: small_rowcnn(Bernoulli()),
    "row cnn of levels": lambda: small_rowcnn(Categorical(3), embedding=2),
    "pixelcnn": lambda: small_pixelcnn(Bernoulli()),
    "pixelcnn of levels": lambda: small_pixelcnn(Categorical(3)),
    "pixelcnn by label": lambda: small_pixelcnn(
        LogisticMixture(2), condition=Labels(3, required=False)
    ),
    "coarse to fine": lambda: CoarseToFine(UNet(2, 1, 4), Bernoulli(), (1, 4, 8)),
    "gpt of the library": lambda: small_gpt((5,)),
    "rotary gpt": lambda: small_gpt((5,), rotary=True),
    "gpt of images by label": lambda: small_gpt((1, 2, 3), condition=Labels(3)),
    "recurrent": lambda: small_recurrent((5,), depth=2),
    "gru of images by label": lambda: small_recurrent(
        (1, 2, 3), cell=nn.GRU, condition=Labels(3)
    ),
    "wavenet": lambda: small_wavenet((5,)),
    "wavenet by label": lambda: small_wavenet(
        (5,), condition=Labels(3, required=False)
    ),
    "nice": lambda: coupling_flow(4, Shift(), width=8),
    "realnvp": lambda: coupling_flow(3, width=8, layers=2),
    "spline couplings by label": lambda: coupling_flow(
        3, RationalQuadratic(3), width=8, layers=2, condition=Labels(3)
    ),
    "planar": lambda: Flow(Planar(3), Planar(3), event_shape=(3,)),
    "masked flow": lambda: masked_flow(4, width=8, layers=2),
    "masked flow by label": lambda: masked_flow(
        3, RationalQuadratic(3), width=8, layers=2, condition=Labels(3)
    ),
    "inverse masked flow": lambda: masked_flow(3, width=8, layers=2, inverse=True),
    "pixelcnn as a flow": pixelcnn_flow,
    "glow": lambda: images_flow(),
    "glow by label": lambda: images_flow(condition=Labels(3)),
    "tarflow": small_tarflow,
    "tarflow by label": lambda: small_tarflow(
        condition=Labels(3, required=False), dropped=0.3
    ),
    "continuous flow": lambda: continuous_flow(3, width=8, steps=2),
    "continuous flow by label": lambda: continuous_flow(
        3, width=8, steps=2, probe=signs, kinetic=0.1, condition=Labels(3)
    ),
    "continuous flow of images": continuous_images,
    "continuous flow of pixels": lambda: Dequantized(continuous_images(before=Logit())),
    "diffusion": point_diffusion,
    "diffusion of velocities by label": lambda: point_diffusion(
        3, path=Straight(), predict=velocity, drop=0.3
    ),
    "diffusion by a required label": lambda: point_diffusion(3, required=True),
    "diffusion of images": image_diffusion,
    "diffusion by phrases": phrased_diffusion,
    "diffusion of latents": latent_diffusion,
    "probability flow": lambda: probability_flow(
        point_diffusion(predict=velocity), steps=4
    ),
    "drifting": lambda: Drifting(mlp(3, 8, 2), (2,), tau=0.5, noise_shape=(3,)),
    "drifting of features by label": drifting_features,
    "meanflow": lambda: MeanFlow(PointDenoiser(2, width=8, depth=1, times=2), (2,)),
    "meanflow of images by label": image_meanflow,
    "dequantized": lambda: Dequantized(images_flow()),
    "dequantized by label": lambda: Dequantized(images_flow(condition=Labels(3))),
    "dequantized by a net": varied_dequantization,
    "of several sizes": lambda: Dequantized(
        multiscale_flow((1, 4, 4), sizes=1, width=8, depth=1, hidden=8)
    ),
    "made of three orders": lambda: MADE(
        (1, 2, 3), DiscretizedLogistic(), width=16, orders=3
    ),
    "histogram": histogram,
    "bernoulli mixture": lambda: BernoulliMixture(3, (5,)),
    "bayes classifier": bayes,
    "feature classifier": lambda: FeatureClassifier(IMAGE, (3, 2), width=8),
    "sound classifier": lambda: SoundClassifier((96,), 16, 3, width=8),
}
MODELS |= PROTOTYPES

# Concrete classes that are not in the battery, and why.
WITHOUT: dict[str, str] = {
    "Replicated": "it needs several processes: tests/test_distributed.py",
}


def optimizer_for(model, lr=1e-3):
    """One Adam, or one for each player."""
    made = optimizers(model, lr)
    return made if len(made) > 1 else made["model"]


def batch_for(model, n=6):
    """Data that the model accepts, with labels in order."""
    n = max(n, model.smallest_batch)
    x, c = model.example(n)
    if isinstance(model.condition, Labels):
        c = torch.arange(n, device=x.device) % model.condition.classes
    return x, c
