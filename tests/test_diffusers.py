"""Samplers against those of the library diffusers, step for step, with one network.

There a step is an integer k, the (k + 1)-th of 1000, here the time (k + 1) / 1000. How
its grids are called is in `settings`: the last step has to lead to no noise at all.
"""

import itertools
from types import SimpleNamespace

import pytest
import torch
from diffusers import (
    DDIMPipeline,
    DDIMScheduler,
    DDPMScheduler,
    DiTTransformer2DModel,
    DPMSolverMultistepScheduler,
    EDMDPMSolverMultistepScheduler,
    EDMEulerScheduler,
    HeunDiscreteScheduler,
)

from gmcourse import Labels, samplers, seeded
from gmcourse.coordinates import velocity
from gmcourse.denoisers import along
from gmcourse.diffusion import Diffusion
from gmcourse.nets import mlp
from gmcourse.paths import Exploding, Table
from gmcourse.transformers import DiTDenoiser
from gmcourse.unet import UNetDenoiser

# Given by numpy 2 for what diffusers does with a tensor.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)

BETAS = {"beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}
TABLE = Table(DDPMScheduler(**BETAS).alphas_cumprod)  # theirs are in single precision
SHAPE = (6, 3)


@pytest.fixture(scope="module")
def net():
    """Any function of an example and of ``sigma / alpha`` that says the data."""
    with seeded(0):
        net = mlp(4, 16, 3).double()

    @torch.no_grad()
    def data(y, ratio):
        """Of ``y = x_t / alpha``."""
        ratio = torch.as_tensor(ratio, dtype=torch.float64)
        told = torch.cat([y.double(), ratio.log().expand(len(y), 1)], 1)
        return net(told) + y.double() / (1 + ratio**2)

    return data


def mine(net, sampler, path, x, times, **how):
    def denoise(x, t):
        alpha, sigma = path.at(t)
        return net(x / alpha, sigma / alpha)

    return [y for _, y in sampler(denoise, path, x, times, **how)]


def test_the_table_is_theirs():
    k = torch.arange(1, 1001, dtype=torch.float64) / 1000
    torch.testing.assert_close(
        TABLE.alpha(k), Table.linear().alpha(k), rtol=1e-4, atol=0
    )


def start():
    with seeded(1):
        return torch.randn(*SHAPE, dtype=torch.float64)


def agree(found, due):
    for one, two in zip(found, due, strict=True):
        assert ((one - two).abs() / (1 + two.abs())).max() < 1e-5


def theirs_in_x(scheduler, net, x, **how):
    """Schedulers whose state is ``x_t``; the noise is drawn by the stream of mine."""
    states = []
    for k in scheduler.timesteps:
        square = scheduler.alphas_cumprod[k].double()
        a, s = square.sqrt(), (1 - square).sqrt()
        eps = (x - a * net(x / a, s / a)) / s
        x = scheduler.step(eps, k, x, **how).prev_sample
        states.append(x)
    return states


def theirs_in_y(scheduler, net, x):
    """Schedulers that go by ``sigma / alpha``, with the numbers of their own tables."""
    states = []
    for i, k in enumerate(scheduler.timesteps):
        ratio = scheduler.sigmas[i].double()
        vp = isinstance(scheduler, DPMSolverMultistepScheduler)
        alpha = (1 + ratio**2).rsqrt() if vp else 1.0
        eps = (x / alpha - net(x / alpha, ratio)) / ratio
        x = scheduler.step(eps, k, x).prev_sample
        states.append(x)
    return states


@pytest.fixture
def their_noise(monkeypatch):
    """diffusers draws with torch.randn, in the shape and precision of the example."""
    drawn = lambda self: self.copy_(torch.randn(self.shape, dtype=self.dtype))  # noqa: E731
    monkeypatch.setattr(torch.Tensor, "normal_", drawn)


def test_ddpm(net, their_noise):
    """All of 50 steps. Theirs has the variance of eq. 7 and knows no clipping here."""
    scheduler = DDPMScheduler(
        **BETAS,
        variance_type="fixed_small",
        clip_sample=False,
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(50)
    times = [(k.item() + 1) / 1000 for k in scheduler.timesteps] + [0.0]
    with seeded(2):
        due = theirs_in_x(scheduler, net, start())
    with seeded(2):
        found = mine(net, samplers.ancestral, TABLE, start(), times)
    agree(found, due)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(net, their_noise, eta):
    scheduler = DDIMScheduler(
        **BETAS, clip_sample=False, set_alpha_to_one=True, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(20)
    times = [(k.item() + 1) / 1000 for k in scheduler.timesteps] + [0.0]
    with seeded(2):
        due = theirs_in_x(scheduler, net, start(), eta=eta)
    with seeded(2):
        found = mine(net, samplers.ddim, TABLE, start(), times, eta=eta)
    agree(found, due)


def of_ratios(ratios, path=TABLE):
    return [path.when(float(ratio)) for ratio in ratios]


@pytest.mark.parametrize("karras", [False, True])
@pytest.mark.parametrize("steps", [5, 25])
def test_dpm_solver(net, karras, steps):
    scheduler = DPMSolverMultistepScheduler(
        **BETAS,
        algorithm_type="dpmsolver++",
        solver_order=2,
        use_karras_sigmas=karras,
        final_sigmas_type="zero",
        timestep_spacing="trailing",
        euler_at_final=True,
    )
    scheduler.set_timesteps(steps)
    ratios = scheduler.sigmas.double().tolist()
    assert ratios[-1] == 0 and len(ratios) == steps + 1
    times = of_ratios(ratios)
    if (
        karras
    ):  # their grid is that of the paper, from the first step's noise to the last's
        mine_too = samplers.karras(TABLE, steps, smallest=ratios[-2], largest=ratios[0])
        assert times == pytest.approx(mine_too, rel=1e-4)
    due = theirs_in_y(scheduler, net, start())
    agree(mine(net, samplers.dpm_solver, TABLE, start(), times), due)


@pytest.mark.parametrize("karras", [False, True])
def test_heun(net, karras):
    """Theirs goes along y = x / alpha, and counts each of two evaluations a step."""
    scheduler = HeunDiscreteScheduler(
        **BETAS, use_karras_sigmas=karras, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(12)
    ratios = scheduler.sigmas.double()
    ratios = [*ratios[0:1].tolist(), *ratios[1::2].tolist()]
    assert ratios[-1] == 0 and all(a > b for a, b in itertools.pairwise(ratios))
    x, times = 10 * start(), of_ratios(ratios)
    due = theirs_in_y(scheduler, net, x)
    alphas = [TABLE.at(t)[0] for t in times]
    found = mine(net, samplers.heun, TABLE, alphas[0] * x, times)
    due = [*due[1::2], due[-1]]  # the predictions between are none of the states
    agree([y / a for y, a in zip(found, alphas[1:])], due)


def edm(kind, steps, **how):
    scheduler = kind(sigma_min=0.002, sigma_max=80.0, sigma_data=1.0, rho=7.0, **how)
    scheduler.set_timesteps(steps)
    return scheduler


def theirs_of_edm(scheduler, net, x):
    """Theirs hold a preconditioned net to be given: data 1 as in `scaled`."""
    states = []
    for i, k in enumerate(scheduler.timesteps):
        ratio = scheduler.sigmas[i].double()
        skip, out = 1 / (1 + ratio**2), ratio / (1 + ratio**2).sqrt()
        scaled = scheduler.scale_model_input(x, k)
        torch.testing.assert_close(scaled.double(), x / (1 + ratio**2).sqrt())
        x = scheduler.step((net(x, ratio) - skip * x) / out, k, x).prev_sample
        states.append(x)
    return states


def test_the_grid_and_euler_of_edm(net):
    """Euler's steps along y are ddim's on a path where alpha stays 1."""
    scheduler, path = edm(EDMEulerScheduler, 18), Exploding()
    times = samplers.karras(path, 18)
    ratios = [path.at(t)[1] for t in times]
    assert scheduler.sigmas.tolist() == pytest.approx(ratios, rel=1e-5)
    x, times = 80 * start(), of_ratios(scheduler.sigmas, path)
    due = theirs_of_edm(scheduler, net, x)
    agree(mine(net, samplers.ddim, path, x, times), due)


def test_dpm_solver_of_edm(net):
    scheduler, path = (
        edm(EDMDPMSolverMultistepScheduler, 18, euler_at_final=True),
        Exploding(),
    )
    x, times = 80 * start(), of_ratios(scheduler.sigmas, path)
    due = theirs_of_edm(scheduler, net, x)
    agree(mine(net, samplers.dpm_solver, path, x, times), due)


class Told(torch.nn.Module):
    """A model of ours as a pipeline asks for it: the noise, by steps."""

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, model, c, **how):
        super().__init__()
        channels, side, _ = model.event_shape
        self.config = SimpleNamespace(sample_size=side, in_channels=channels)
        self.denoise = along(model.denoiser(c, **how), model.path, TABLE)

    @torch.no_grad()
    def forward(self, x, k):
        t = (int(k) + 1) / 1000
        alpha, sigma = TABLE.at(t)
        return SimpleNamespace(sample=(x - alpha * self.denoise(x, t)) / sigma)


def test_our_net_in_their_pipeline():
    """Guided, told labels, on a path of its own: equal draws from equal noise."""
    with seeded(0):
        net = UNetDenoiser((2, 4, 4), width=8, classes=3)
        for weight in net.parameters():  # what is silent at first speaks
            torch.nn.init.normal_(weight, std=0.2)
    model = Diffusion(
        net, (2, 4, 4), predict=velocity, condition=Labels(3, required=False)
    )
    told = Told(model, torch.tensor([0, 2, 1]), guidance=2.0)
    how = {"clip_sample": False, "set_alpha_to_one": True}
    scheduler = DDIMScheduler(**how, **BETAS, timestep_spacing="trailing")
    pipeline = DDIMPipeline(told, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.Generator().manual_seed(0)
    theirs = pipeline(3, noise, num_inference_steps=20, output_type="np").images
    z = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    times = [(k + 1) / 1000 for k in pipeline.scheduler.timesteps.tolist()]
    with torch.no_grad():
        states = list(samplers.ddim(told.denoise, TABLE, z, [*times, 0.0]))
    due = (states[-1][1] / 2 + 0.5).clamp(0, 1)  # as a pipeline makes pictures
    assert ((due > 0) & (due < 1)).float().mean() > 0.3
    found = torch.from_numpy(theirs).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, due, rtol=0, atol=1e-5)


def copied(mine, theirs):
    """Our weights in their places; the values of a square stand in another order."""
    width, (channels, side) = mine.into.out_features, (3, mine.side)

    def put(into, weight, bias):
        into.weight.copy_(weight)
        into.bias.copy_(bias)

    put(theirs.pos_embed.proj, mine.into.weight.view(-1, 3, side, side), mine.into.bias)
    theirs.pos_embed.pos_embed.copy_(mine.position)
    for ours, block in zip(mine.blocks, theirs.transformer_blocks, strict=True):
        put(block.norm1.linear, ours.told.weight, ours.told.bias)
        weights, biases = ours.qkv.weight.chunk(3), ours.qkv.bias.chunk(3)
        attention = block.attn1
        qkv = (attention.to_q, attention.to_k, attention.to_v)
        for into, weight, bias in zip(qkv, weights, biases):
            put(into, weight, bias)
        put(attention.to_out[0], ours.out.weight, ours.out.bias)
        put(block.ff.net[0].proj, ours.mlp[0].weight, ours.mlp[0].bias)
        put(block.ff.net[2], ours.mlp[2].weight, ours.mlp[2].bias)
        block.norm1.norm.eps = 1e-5
    theirs.norm_out.eps = 1e-5
    put(  # they have the summand before the factor
        theirs.proj_out_1,
        mine.last.weight.roll(width, 0),
        mine.last.bias.roll(width, 0),
    )
    head = lambda w: w.view(channels, side**2, -1).transpose(0, 1).reshape(w.shape)  # noqa: E731
    put(theirs.proj_out_2, head(mine.head.weight), head(mine.head.bias))


@pytest.mark.parametrize("depth", [1, 3])
def test_our_transformer_is_theirs(depth):
    """Their net of Peebles & Xie, with our weights, told the same."""
    mine = DiTDenoiser((3, 8, 8), width=12, depth=depth, heads=3).double()
    theirs = DiTTransformer2DModel(
        num_attention_heads=3,
        attention_head_dim=4,
        in_channels=3,
        num_layers=depth,
        sample_size=8,
        activation_fn="gelu",
        num_embeds_ada_norm=5,
    ).double()
    with torch.no_grad(), seeded(0):
        for weight in mine.parameters():  # what is silent at first speaks
            torch.nn.init.normal_(weight, std=0.3)
        copied(mine, theirs)
        x, k = torch.randn(4, 3, 8, 8).double(), torch.tensor([0, 3, 500, 999])
        label = torch.tensor([0, 4, 2, 2])
        emb = theirs.transformer_blocks[0].norm1.emb
        for block in theirs.transformer_blocks:
            block.norm1.emb = emb
        due = theirs.eval()(x, k, label).sample
        mine.told = lambda t, c: torch.nn.functional.silu(emb(t, c, torch.float64))
        found = mine(x, k.double(), label)
    assert found.std() > 0.1
    torch.testing.assert_close(found, due, rtol=0, atol=1e-6)
