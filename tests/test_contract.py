"""The battery on every model and prototype, and the battery itself on wrong ones."""

import importlib
import pkgutil

import pytest
import torch
from models import MODELS, PROTOTYPES, WITHOUT, TinyGAN, batch_for, optimizer_for
from prototypes import CouplingFlow, Diffusion, TinyGPT, ddim, stochastic
from torch import nn

import gmcourse
from gmcourse import EMA, GenerativeModel, Labels, Like, Model, data, seeded, train
from gmcourse.linear_gaussian import LinearGaussian
from gmcourse.nets import mlp
from gmcourse.testing import battery, check_model


@pytest.mark.parametrize("name", list(MODELS))
def test_the_contract_holds(name, as_users_run_it):
    with seeded(1):
        model = MODELS[name]()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    done = check_model(model)
    assert done == [check for check, _ in battery(model)] and len(done) > 10
    after = model.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())


@pytest.mark.parametrize("name", list(MODELS))
def test_shapes_are_as_annotated(name):
    """Once with the annotations checked, which the battery's bad input would meet."""
    with seeded(1):
        model = MODELS[name]()
    for _, loss in model.losses(*model.example(max(4, model.smallest_batch))):
        assert loss.shape == ()
    if isinstance(model, GenerativeModel):
        model.sample(3, model.example(3)[1])


def of_the_library():
    """Its models, without the small ones that a check defines for itself."""
    found = {c for c in concrete(Model) if c.__module__.startswith("gmcourse.")}
    return {c for c in found if not c.__module__.startswith("gmcourse.checks")}


def concrete(kind):
    found = set(kind.__subclasses__())
    return found | {c for one in found for c in concrete(one)}


def test_every_model_of_the_library_is_in_the_battery():
    """A class is in MODELS, abstract (another builds on it), or has a reason."""
    for module in pkgutil.walk_packages(gmcourse.__path__, "gmcourse."):
        if not module.name.startswith(("gmcourse.checks", "gmcourse.__main__")):
            importlib.import_module(module.name)
    ours = of_the_library()
    abstract = {c for c in ours if any(issubclass(d, c) and d is not c for d in ours)}
    with seeded(0):
        held = {type(make()) for make in MODELS.values()}
    missing = {c.__name__ for c in ours - abstract - held} - set(WITHOUT)
    assert not missing, f"{sorted(missing)}: add to MODELS, or to WITHOUT with a reason"
    assert not held & abstract, "an abstract class has an instance"


def abstract(member):
    return getattr(member, "__isabstractmethod__", False)


def test_a_class_is_abstract_or_final():
    """No model of the library overrides what another one has made concrete."""
    for cls in concrete(Model):
        if not cls.__module__.startswith("gmcourse."):
            continue
        for base in cls.__mro__[1:]:
            if base in (Model, GenerativeModel) or not issubclass(base, Model):
                continue
            again = set(vars(cls)) & set(vars(base))
            again = {n for n in again if not n.startswith("_")}
            again = {n for n in again if not abstract(vars(base)[n])}
            assert not again, f"{cls.__name__} overrides {again} of {base.__name__}"


# Models with one mistake each, and the check that has to find it.


class Good(GenerativeModel):
    """A normal distribution with a mean that is learned: nothing wrong."""

    exact, event_shape = True, (2,)

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(2))
        self.log_std = nn.Parameter(torch.zeros(2))

    def log_prob(self, x):
        self.check(x)
        normal = torch.distributions.Normal(self.mean, self.log_std.exp())
        return normal.log_prob(x).sum(1)

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None):
        return self.mean + self.log_std.exp() * self.noise(n, 2)


def wrong(**changes):
    return type("Wrong", (Good,), changes)


def per_example(self, x, c=None):
    self.check(x, c)
    return -self.log_prob(x)


def summed(self, x, c=None):
    self.check(x, c)
    return -self.log_prob(x).sum()


def counting(self, x, c=None):
    """A state that moves with each loss, whatever the mode."""
    self.count.add_(1)
    return Good.loss(self, x, c) + 0 * self.count


def with_count(persistent):
    def init(self):
        Good.__init__(self)
        self.register_buffer("count", torch.zeros(()), persistent=persistent)

    return init


def forgets(self, x, c=None):
    """The state matters, moves in train mode only, and is in no file."""
    if self.training:
        self.count.add_(1)
    return Good.loss(self, x, c) * (1 + self.count)


def noisy_prior(self, n, c=None):
    return self.mean + 1.5 * self.log_std.exp() * self.noise(n, 2)


def unnormalized(self, x):
    self.check(x)
    return Good.log_prob(self, x) + self.log_std.sum()


def leaves_eval(self, n, c=None):
    self.train()
    return Good.draw(self, n, c)


def reseeds(self, n, c=None):
    torch.manual_seed(n)
    return Good.draw(self, n, c)


def batch_wide(self, x):
    self.check(x)
    return Good.log_prob(self, x - 0.1 * x.mean(0))


class Deaf(GenerativeModel):
    """Takes labels and does not use them."""

    def __init__(self):
        super().__init__()
        self.event_shape, self.condition, self.net = (2,), Labels(3), mlp(2, 8, 2)

    def loss(self, x, c=None):
        self.check(x, c)
        return (self.net(x) - x).square().sum(1).mean()

    def draw(self, n, c=None):
        return self.net(self.noise(n, 2))


class DeafSampler(Deaf):
    """Learns with labels and draws without."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Embedding(3, 2)

    def loss(self, x, c=None):
        return super().loss(x, c) + (self.shift(c) - x).square().sum(1).mean()


def minus(self, x, c=None):
    self.check(x, c)
    return self.log_prob(x).mean()


def per_pixel(self, x, c=None):
    self.check(x, c)
    return -self.log_prob(x).mean() / 2


class Constant(TinyGPT):
    """Every example one nat too likely."""

    def log_prob(self, x):
        return super().log_prob(x) + 1


class Idle(TinyGAN):
    """A weight that no player has."""

    def __init__(self):
        super().__init__()
        self.idle = nn.Parameter(torch.zeros(2))


class Lazy(TinyGAN):
    """The generator's own loss does not reach it."""

    def losses(self, x, c=None):
        self.check(x, c)
        yield (
            "critic",
            self.critic(x).mean() - self.critic(self.generate(len(x))).mean(),
        )
        yield "generator", self.critic(self.generate(len(x)).detach()).mean()


BROKEN = {
    "per example": (wrong(loss=per_example), "losses are finite scalars"),
    "summed": (wrong(loss=summed), "a loss is a batch mean"),
    "detached": (
        wrong(loss=lambda self, x, c=None: Good.loss(self, x, c).detach()),
        "losses are finite scalars",
    ),
    "no check": (
        wrong(loss=lambda self, x, c=None: -Good.log_prob(self, x.float()).mean()),
        "bad input is refused",
    ),
    "takes any condition": (
        wrong(loss=lambda self, x, c=None: Good.loss(self, x)),
        "a condition is refused",
    ),
    "moves in eval mode": (
        wrong(loss=counting, __init__=with_count(True)),
        "a loss in eval mode changes nothing",
    ),
    "state in no file": (
        wrong(loss=forgets, __init__=with_count(False)),
        "a stopped run goes on to the bit",
    ),
    "one weight idle": (
        wrong(log_prob=lambda self, x: Good.log_prob(self, x) + 0 * self.mean[0]),
        None,
    ),
    "swallows keywords": (
        wrong(draw=lambda self, n, c=None, **how: Good.draw(self, n)),
        "bad requests for samples are refused",
    ),
    "a frozen float32": (
        wrong(draw=lambda self, n, c=None: Good.draw(self, n).float()),
        "it works in double precision",
    ),
    "leaves train mode on": (
        wrong(draw=leaves_eval),
        None,  # `sample` puts the modes back itself
    ),
    "reseeds": (wrong(draw=reseeds), "a seed decides the samples"),
    "samples too wide": (wrong(draw=noisy_prior), "samples follow log_prob"),
    "not normalized": (wrong(log_prob=unnormalized), "samples follow log_prob"),
    "batch-wide": (wrong(log_prob=batch_wide), "log_prob is one number each"),
    "sign of the loss": (wrong(loss=minus), "the loss is minus log_prob"),
    "mean over values": (wrong(loss=per_pixel), "the loss is minus log_prob"),
    "one nat too much": (Constant, "probabilities sum to one"),
    "a weight of nobody": (Idle, "gradients reach every weight"),
    "one sample repeated": (
        wrong(draw=lambda self, n, c=None: Good.draw(self, 1).expand(n, 2)),
        "a seed decides the samples",
    ),
    "deaf": (Deaf, "a loss uses the condition"),
    "deaf when it draws": (DeafSampler, "the condition is used"),
    "generator detached": (Lazy, "gradients reach every weight"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_the_battery_finds_what_is_wrong(name, as_users_run_it):
    make, check = BROKEN[name]
    with seeded(0):
        model = make()
    if check is None:
        check_model(model)
        return
    with pytest.raises(AssertionError) as caught:
        check_model(model)
    assert f"{check}?" in str(caught.value), caught.value


def test_a_right_model_passes_with_twenty_seeds(as_users_run_it):
    for seed in range(20):
        check_model(Good(), seed)


def test_what_is_no_model_is_named(as_users_run_it):
    with pytest.raises(TypeError, match=r"Linear; expected a gmcourse\.Model"):
        check_model(nn.Linear(1, 1))


# What is particular to the families.


def test_a_flow_inverts_and_its_log_det_is_the_jacobians():
    with seeded(0):
        flow, x = CouplingFlow().double(), torch.randn(6, 4, dtype=torch.float64)
    z, log_det = flow.to_latent(x)
    torch.testing.assert_close(flow.from_latent(z), x, rtol=0, atol=1e-10)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: flow.to_latent(x)[0].sum(0), x
    )
    due = torch.linalg.slogdet(jacobian.transpose(0, 1)).logabsdet
    torch.testing.assert_close(log_det, due, rtol=0, atol=1e-8)


def test_a_cache_changes_no_sample_and_probabilities_sum_to_one():
    with seeded(0):
        gpt = TinyGPT(length=3, levels=4).double().eval()
    with seeded(1):
        cached = gpt.sample(50)
    with seeded(1):
        assert torch.equal(cached, gpt.sample(50, cached=False))
    every = torch.cartesian_prod(*[torch.arange(4)] * 3)
    assert gpt.log_prob(every).exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_samplers_have_one_signature_and_guidance_wraps():
    with seeded(0):
        model = Diffusion()
    c = torch.tensor([0, 1, 2, 0])
    for sampler in (ddim, stochastic):
        assert len(list(model.trajectory(4, c, sampler=sampler, steps=5))) == 4
        assert model.sample(4, sampler=sampler).shape == (4, 2)  # without labels
    with seeded(1):
        plain = model.sample(4, c)
    with seeded(1):
        torch.testing.assert_close(model.sample(4, c, guidance=1.0), plain)
    with seeded(1):
        assert not torch.allclose(model.sample(4, c, guidance=3.0), plain)


def test_the_null_condition_replaces_a_share():
    labels = Labels(3, required=False)
    with seeded(0):
        c = torch.arange(9000) % 3
        dropped = labels.drop(c, 0.2) == 3
    assert abs(dropped.float().mean().item() - 0.2) < 0.03
    assert torch.equal(labels.drop(c, 0.0), c) and bool(
        (labels.drop(c, 1.0) == 3).all()
    )
    images = Like((1, 2, 2), required=False)
    assert not images.drop(torch.ones(5, 1, 2, 2), 1.0).any()
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        labels.drop(c, 1.5)


def test_a_condition_of_images_is_checked(as_users_run_it):
    like = Like((1, 2, 2))
    with pytest.raises(ValueError, match=r"expects \(3, 1, 2, 2\) and torch.float32"):
        like.check(torch.zeros(3, 2, 2), 3, torch.float32, "Pix")
    with pytest.raises(ValueError, match="levels is missing"):
        Like((4,), torch.int64)
    tokens = Like((4,), torch.int64, levels=5)
    with pytest.raises(ValueError, match="values from 0 to 5; expected 0 to 4"):
        tokens.check(torch.tensor([[0, 5, 1, 1]]), 1, torch.float32, "GPT")


@pytest.mark.parametrize("condition", [Labels(3), Like((2,))])
def test_a_condition_is_required_unless_it_is_said(condition, as_users_run_it):
    assert condition.required
    model = Good()
    model.condition = condition
    with pytest.raises(ValueError, match="is conditional: pass c, one for each of 4"):
        model.check(torch.zeros(4, 2))


@pytest.mark.parametrize("condition", [Labels(3), Like((2,))])
def test_a_condition_is_a_tensor(condition, as_users_run_it):
    with pytest.raises(TypeError, match=r"c is list; expected a tensor"):
        condition.check([0, 1, 2], 3, torch.float32, "Any")


def test_a_wrong_shape_is_told_with_the_right_one(as_users_run_it):
    model = LinearGaussian(4, 2)
    with pytest.raises(ValueError, match=r"\(3, 5\); LinearGaussian expects \(b, 4\)"):
        model.check(torch.zeros(3, 5))


def test_batches_of_pairs_reach_a_model():
    with seeded(0):
        model = PROTOTYPES["image to image"]()
    pixels = torch.randint(0, 256, (12, 1, 4, 4), dtype=torch.uint8)
    both = {"transform": data.to_unit, "transform_c": data.to_unit}
    batches = data.Batches(pixels, 255 - pixels, batch_size=4, **both)
    x, c = next(batches)
    torch.testing.assert_close(x + c, torch.ones_like(x))
    assert len(list(train(model, batches, optimizer_for(model), steps=2))) == 2


@pytest.mark.parametrize("make", [nn.Identity, lambda: mlp(2, 2)])
def test_a_model_without_weights_has_a_place_and_a_precision(make):
    class Oracle(GenerativeModel):
        event_shape = (2,)

        def __init__(self):
            super().__init__()
            self.net = make().requires_grad_(False)

        def loss(self, x, c=None):
            self.check(x, c)
            return self.net(x).square().mean()

        def draw(self, n, c=None):
            return self.net(self.noise(n, 2))

    model = Oracle()
    assert model.device == torch.device("cpu")
    assert model.sample(3).shape == (3, 2)
    check_model(model)


def test_a_model_in_half_precision_scores_and_draws():
    with seeded(0):
        linear = LinearGaussian(5, 2)
        vae = linear.as_vae().bfloat16()
    x = linear.sample(8).bfloat16()
    assert vae.loss(x).isfinite() and vae.iw_bound(x, k=3).isfinite().all()
    assert vae.sample(4).isfinite().all()


@pytest.mark.cuda
@pytest.mark.parametrize("name", list(MODELS))
def test_on_a_gpu(name, as_users_run_it):
    """Samples and losses on the device, and training in bfloat16."""
    model = MODELS[name]().cuda()
    x, c = batch_for(model)
    for _, loss in model.losses(x, c):
        assert loss.device.type == "cuda" and loss.isfinite()
    if isinstance(model, GenerativeModel):
        assert model.sample(3, model.example(3)[1]).device.type == "cuda"
    if not any(model.players().values()):
        return
    batch = x if c is None else (x, c)
    optimizer, bf16 = optimizer_for(model), torch.bfloat16
    for step in train(
        model, [batch], optimizer, steps=3, autocast=bf16, ema=EMA(model)
    ):
        assert all(v.isfinite() for v in step.losses.values())


def test_which_densities_are_exact():
    """A trait that no longer says so would only lose the battery's hardest checks."""
    ours = of_the_library()
    exact = {c.__name__ for c in ours if getattr(c, "exact", False)}
    assert exact == {
        "Autoregressive",
        "BayesClassifier",
        "BernoulliMixture",
        "CoarseToFine",
        "ContinuousFlow",
        "Flow",
        "GPT",
        "Histogram",
        "LinearGaussian",
        "MADE",
        "NADE",
        "PixelCNN",
        "Recurrent",
        "RowCNN",
        "RowLSTM",
        "WaveNet",
        "_OfTokens",
    }
