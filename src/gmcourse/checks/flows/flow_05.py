"""Exercise flow-05: Set by the first batch."""

import copy

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair


@Exercise(
    id="flow-05",
    title="Set by the first batch",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write a normalization that is an invertible map of each image alone, and "
        "count its volume over all places.",
    ),
    statement=r"""
Normalization over a batch is no map of an example: each result depends on the others.
Activation normalization ([Kingma & Dhariwal, 2018](https://arxiv.org/abs/1807.03039))
is one: each channel has two numbers, the same for all examples and places, which the
first batch sets and training then changes like any weight. Write the module
`ActNorm(channels)`:

$$
z_{b,c,i,j} = (x_{b,c,i,j} + \mathrm{bias}_c) \cdot e^{\mathrm{log\_scale}_c} .
$$

- `bias` and `log_scale` are parameters of shape `(channels,)`, there from the beginning
  and the same objects ever after: an optimizer made before the first batch holds them.
- `forward(x)`, `x` of shape `(b, channels, h, w)`, gives the pair `(z, log_det)`;
  `log_det`, `(b,)`, is $\log |\det \partial z / \partial x|$ of each image.
- `reverse(z)` gives the `x` whose `z` this is. It is called after the first batch only.
- The first batch that `forward` gets, in whatever mode, sets both parameters, before
  its own `z` is computed: each channel of `z` has the mean 0 and the mean square 1 over
  examples *and* places. Its mean and spread count as given numbers: no gradient flows
  through them. No channel is constant, but spreads may be as small as $10^{-6}$. (The
  mean is at most $10^4$ spreads away from 0, which leaves about three digits of float32
  for the mean and mean square of `z`.)
- No later batch sets them, whatever its size. Nor does the first one after the
  `state_dict()` of a layer that was set has been loaded into a new one. (After that
  of a layer that was not set, it does.)

All is of the type of the parameters, float32 or, after `.double()`, float64, and is
computed in it, the mean and the spread as well. Gradients flow to `x`, to `z` and to
both parameters.
""",
    stub='''
class ActNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        ...

    def forward(self, x):
        """(b, c, h, w) -> (b, c, h, w) z, (b,) log |det dz/dx|."""
        return ..., ...

    def reverse(self, z):
        """(b, c, h, w) -> (b, c, h, w)."""
        return ...
''',
    answers={"ActNorm": callable},
    hints=(
        "`x.mean((0, 2, 3))` is the mean of each channel; `v[:, None, None]` stands "
        "beside an image. With $z = (x + b) e^{s}$, which $b$ and $s$ make the mean 0 "
        "and the mean square 1?",
        "New values go into a parameter under `torch.no_grad()`, by `copy_`. A new "
        "`nn.Parameter` would be another object, of which the optimizer knows nothing.",
        "What has to outlive saving and loading is a parameter or a buffer: "
        "`register_buffer`. And how often does a channel's scale stand on the diagonal "
        "of the Jacobian?",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (z, log_det).",
        "parameters missing or of another shape": "`bias` and `log_scale` are an "
        "nn.Parameter each, of shape (channels,), from the beginning.",
        "parameters replaced": "An optimizer holds the parameters that were there when "
        "it was made: others in their place are not trained.",
        "not set by the first batch": "The first batch itself leaves with mean 0 and "
        "mean square 1.",
        "statistics over other axes": "A channel has one mean and one spread, over all "
        "examples and all places.",
        "mean and spread confused": "The mean is taken away, then divided by the "
        "spread.",
        "divided by one less": "The mean square is to be 1, which is that of n values, "
        "not of n - 1.",
        "set by every batch": "Only the first batch sets the two numbers.",
        "set in training mode alone": "The first batch sets them in whatever mode.",
        "set again after loading": "Whether a layer was set is part of its state: an "
        "attribute of Python is not saved.",
        "set with another layer": "Each layer is set by its own first batch: what "
        "stands in the class belongs to all.",
        "zeros taken for unset": "Both parameters may be 0 because the first batch has "
        "made them so.",
        "state of an unset layer": "Whether a layer was set is part of its state, also "
        "if it was not.",
        "bias after the scale": "The bias is added first, and scaled with the values.",
        "signs of the two numbers": "Forward, bias is added, and the scale multiplied.",
        "places left out": "Each channel's scale stands on the diagonal h·w times.",
        "places counted otherwise": "Each channel's scale stands on the diagonal of "
        "an image's Jacobian h·w times, whatever the batch.",
        "reverse wrong": "What was done last is undone first.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "gradient through the statistics": "For the gradient, the numbers that the "
        "first batch sets are constants.",
    },
)
def flow_05(t, ActNorm):
    def made(c, kind=torch.float64):
        layer = t.call(ActNorm, c)
        if not (hasattr(layer, "bias") or hasattr(layer, "log_scale")):
            t.call(layer, images(2, c, 2, 2))  # perhaps nothing is there yet
        for name in ("bias", "log_scale"):
            v = getattr(layer, name, None)
            held = isinstance(v, nn.Parameter) and tuple(v.shape) == (c,)
            got = f"{name}: {type(v).__name__} {tuple(getattr(v, 'shape', ()))}"
            told = "parameters missing or of another shape"
            t.true(held, f"nn.Parameter ({c},).", got, told)
        return layer.to(kind)

    def images(b, c, h, w, size=1.0, far=3.0, kind=torch.float64):
        """Channels and places that differ in mean and spread."""
        spread = t.uniform(1, c, 1, 1, low=0.5, high=3) * size
        place, middle = (t.uniform(*s, low=-far, high=far) for s in (
            (1, c, h, w), (1, c, 1, 1)))  # fmt: skip
        at = middle * 4 + place + t.normal(b, c, 1, 1)
        return ((at + t.normal(b, c, h, w)) * spread).to(kind)

    def run(layer, x):
        z, log_det = pair(t, t.call(layer, x), "(z, log_det)")
        t.shape(z, x.shape, "that of x.")
        alone = {
            "not summed over the dimensions": [x.shape[:2], x.shape[1:2], x.shape],
            "reduced over the batch": [(), (1,)] if len(x) > 1 else [()],
        }
        t.shape(log_det, (len(x),), "one for each image.", ideas=alone)
        for out in (z, log_det):
            t.dtype(out, x.dtype, "that of x.")
        return z, log_det

    def statistics(x):
        """What the first batch gives with mistakes."""
        axes = {
            "": (0, 2, 3),
            "statistics over other axes": [
                *((0,), (2, 3), (0, 1, 2, 3), (1, 2, 3), (0, 2), (0, 3), (0, 1)),
            ],
        }
        n = x.numel() // x.shape[1]
        ends = {
            "": lambda x, m, s: (x - m) / s,
            "divided by one less": lambda x, m, s: (x - m) / s * (1 - 1 / n) ** 0.5,
            "variance in place of the standard deviation": lambda x, m, s: (
                (x - m) / s**2
            ),
            "standard deviation ignored": lambda x, m, s: x - m,
            "mean and spread confused": [
                lambda x, m, s: x / s - m,
                lambda x, m, s: x / s,
                lambda x, m, s: (x + m) / s,
                lambda x, m, s: (x - m) * s,
                lambda x, m, s: x / s**2,
                lambda x, m, s: x / (s**2 + m**2).sqrt(),
                lambda x, m, s: (x - m) / (s**2 + m**2).sqrt(),
            ],
            "floor under the standard deviation": [
                f
                for c in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
                for f in (
                    lambda x, m, s, c=c: (x - m) / (s + c),
                    lambda x, m, s, c=c: (x - m) / s.clamp(min=c),
                    lambda x, m, s, c=c: (x - m) / (s**2 + c).sqrt(),
                )
            ],
        }

        def make(over, end):
            m = x.mean(over, keepdim=True)
            return end(x, m, (x - m).square().mean(over, keepdim=True).sqrt())

        yield "not set by the first batch", x
        one = x[:1].movedim(1, 0).flatten(1)
        m, s = (v.view(1, -1, 1, 1) for v in (one.mean(1), one.std(1, correction=0)))
        m = x.mean((0, 2, 3), keepdim=True)
        own = x.std((2, 3), correction=0, keepdim=True).mean(0)
        yield "statistics over other axes", [(x - one.mean(1).view(m.shape)) / s]
        yield "statistics over other axes", (x - m) / own
        yield from mistakes(make, axes, ends, most=1, tol=1e-9)

    def first(name, layer, x, tol=1e-9, told=None):
        """The first batch, whose z has mean 0 and mean square 1."""
        t.property(name)
        z, log_det = run(layer, x)
        m = x.double().mean((0, 2, 3), keepdim=True)
        rest = x.double() - m
        spread = rest.square().sum((0, 2, 3), keepdim=True).div(x[:, 0].numel()).sqrt()
        why = "Mean 0 and mean square 1 over examples and places."
        ideas = None if told else statistics(x.double())
        given = [v.detach() for v in (layer.bias, layer.log_scale)]
        single = any(v.any() and torch.equal(v, v.float().double()) for v in given)
        single = single or bool(in_float32(t.tensor(z), rest / spread)[1])
        near = torch.allclose(t.tensor(z).double(), rest / spread, 1e-4, 1e-4)
        if single and near and tol < 1e-6:
            told, ideas = told or "float32 in between", None
        t.close(z, rest / spread, why, told, ideas, tol)
        counted(name, x, log_det, -spread.flatten().log(), tol)
        return z

    def counted(name, x, log_det, logs, tol):
        t.property(f"log-determinant: {name}", of=log_det)
        b, c, h, w = x.shape
        due, one = (logs * h * w).sum().expand(b), logs.sum().expand(b)
        ideas = {
            "places left out": one,
            "log-determinant of the inverse": -due,
            "places counted otherwise": [
                one * n for n in (h, w, b * h * w, b, h * w / b, h + w, h * h, w * w)
            ],
            "mean over the dimensions": [due / c, due / (c * h * w)],
            "determinant in place of its logarithm": [due.exp(), logs.exp().sum()],
        }
        ideas = ideas if h * w > 1 else None
        t.close(log_det, due, "Over the whole diagonal.", None, ideas, tol)

    def affine(name, layer, x, told=None):
        """As the parameters say, both ways."""
        t.property(name)
        given = [v.detach().clone() for v in (layer.bias, layer.log_scale)]
        bias, logs = (v[:, None, None] for v in given)
        z, log_det = run(layer, x)
        e = logs.exp()
        ideas = {
            "set by every batch": scaled(x),
            "bias after the scale": x * e + bias,
            "signs of the two numbers": [
                (x - bias) * e,
                (x + bias) / e,
                (x - bias) / e,
            ],
        }
        due = x * e + bias * e
        ideas = dict([in_float32(t.tensor(z), due)]) | ideas if not told else None
        t.close(z, due, "As the parameters say.", told, ideas, 1e-9)
        counted(name, x, log_det, logs.flatten(), 1e-9)
        t.property(f"reverse: {name}")
        back, due = t.call(layer.reverse, x), x / e - bias
        t.shape(back, x.shape, "that of z.")
        t.dtype(back, x.dtype, "that of z.")
        near, why = [in_float32(t.tensor(back), due)], "The x whose z this is."
        t.close(back, due, why, "reverse wrong", near, 1e-9)

    def scaled(x):
        m = x.mean((0, 2, 3), keepdim=True)
        return (x - m) / x.std((0, 2, 3), correction=0, keepdim=True)

    b, c, h, w = 5, 3, 4, 2
    layer, x = made(c), images(b, c, h, w)
    before = [layer.bias, layer.log_scale]
    first("the first batch", layer, x)
    t.property("the parameters are the same objects as before")
    now = [layer.bias, layer.log_scale]
    kept = all(a is v for a, v in zip(now, before))
    held = {id(p) for p in layer.parameters()} >= {id(v) for v in before}
    t.true(kept and held, "An optimizer holds them.", "others", "parameters replaced")
    affine("a later batch of another size", layer, images(2, c, 3, 5), None)
    with torch.no_grad():
        for v in before:
            v.copy_(t.away(c, low=0.3, high=1))
    affine("other values of the parameters", layer, images(4, c, 2, 3))

    t.property("a new layer, into which the state of this one was loaded")
    other = made(c)
    other.load_state_dict(copy.deepcopy(layer.state_dict()))
    affine(t.properties[-1], other, images(b, c, h, w), "set again after loading")
    told = "set with another layer"
    first("a second layer", made(c), images(b, c, h, w), told=told)
    layer = made(c)
    layer.load_state_dict(copy.deepcopy(made(c).state_dict()))
    told = "state of an unset layer"
    first("the state of a layer that was not set", layer, images(b, c, h, w), told=told)
    layer = made(c).eval()
    first("set in eval()", layer, images(3, c, 2, 4), told="set in training mode alone")
    for shape in ((6, 2, 1, 1), (1, 4, 3, 3), (2, 1, 2, 3)):
        first(f"a first batch of shape {shape}", made(shape[1]), images(*shape))
    told = "floor under the standard deviation"
    first("spreads of 10⁻⁶", made(c), images(b, c, h, w, 1e-6), told=told)
    layer, one = made(c), torch.ones(2, c, 2, 2).double()
    first("a batch of 1 and -1", layer, torch.cat([one, -one]))
    other = made(c)
    other.load_state_dict(copy.deepcopy(layer.state_dict()))
    for name, v in (("a batch after that", layer), ("its state loaded", other)):
        affine(name, v, images(b, c, h, w), "zeros taken for unset")
    single = made(c, torch.float32), images(b, c, h, w, kind=torch.float32)
    first("float32", *single, 1e-4)
    x = t.normal(b, c, h, w) + 5000  # whose squares are multiples of 2
    told = "difference of large numbers"
    first("float32, all of it near 5,000", made(c, torch.float32), x, 1e-2, told)

    weight = t.uniform(2, c, 3, 2, low=0.5, high=2)
    layer, x = made(c), images(2, c, 3, 2).requires_grad_()
    for name in ("in the first batch", "in the second batch"):
        t.property(f"gradients {name}")
        z, log_det = run(layer, x)
        back = t.call(layer.reverse, x)
        bias, e = (v.view(1, c, 1, 1) for v in (layer.bias, layer.log_scale.exp()))
        total = (layer.log_scale * 6).sum().expand(2)
        outs, dues = (z, log_det, back), (x * e + bias * e, total, x / e - bias)
        for out, exact in zip(outs, dues):
            t.property(f"gradients {name}", of=out)
            u = weight.double() if exact.dim() > 1 else weight[:, 0, 0, 0].double()
            for v in (x, layer.bias, layer.log_scale):
                got, slope = t.grad(out, v, u), t.grad(exact, v, u)
                some = bool(got.any()) and name == "in the first batch" and v is x
                told = "gradient through the statistics" if some else None
                told = told or "cut off from the graph"
                t.close(got, slope, "As the formula says.", told, tol=1e-7)
