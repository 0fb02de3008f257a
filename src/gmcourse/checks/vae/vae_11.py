"""Exercise vae-11: A bound from k draws."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-11",
    title="A bound from k draws",
    difficulty=3,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=("Write the importance-weighted bound so that it never underflows.",),
    statement=r"""
Each of `b` examples has `k` draws $z_i \sim q(z \mid x)$. Given are
`log_joint` $= \log p(x, z_i)$ and `log_q` $= \log q(z_i \mid x)$, both of shape
`(b, k)`, draws last. Write `iw_bound(log_joint, log_q)`: the estimate of
$\mathcal L_k$ of [(3.13)](#eq-iwae) in nats, shape `(b,)`.

It has to be exact for a `log_joint` of $-5000$, and where a draw has
probability zero (`log_joint` $= -\infty$) while others have not. Gradients flow to both
arguments.
""",
    stub='''
def iw_bound(log_joint, log_q):
    """(b, k), (b, k) -> (b,): log of the mean weight, in nats."""
    return ...
''',
    answers={"iw_bound": callable},
    hints=(
        "The logarithm of the mean of the k weights: which function of PyTorch is the "
        "logarithm of a sum of exponentials?",
        "The mean of k weights is their sum divided by k.",
        "With all log weights equal to a, the bound is a.",
    ),
    misconceptions={
        "mean of the logarithms": "That is the ELBO with k draws: the logarithm has to "
        "come after the mean.",
        "log k left out": "The mean of the weights is due, not their sum.",
        "log k added": "Divide by k: subtract log k.",
        "wrong axis": "The draws are along the last axis.",
        "batch size in place of k": "The mean over the k draws is due: subtract log k.",
        "ratio of the means": "Each draw has a weight of its own, and the mean is over "
        "the weights.",
        "underflow": "exp of a number below -104 is 0 in float32, and above 88 it is "
        "infinite. Stay in the logarithm.",
        "floor under the weights": "A constant added inside the logarithm is a bound "
        "on nothing.",
        "largest weight only": "The maximum is no mean of the weights.",
        "ratio turned around": "The weight is p(x, z)/q(z given x).",
        "log_q added": "log p(x, z)/q(z given x) is a difference of logarithms.",
        "q left out": "The draws come from q, so each is weighted by 1/q.",
        "a zero weight spoils the mean": "A weight of 0 is a weight: the others count.",
        "log_q cut off from the graph": "The weight is a ratio of both; some training "
        "schemes drop this gradient on purpose, but here it is due.",
    },
)
def vae_11(t, iw_bound):
    b, k = t.integer(4, 5), 3
    log_joint = t.uniform(b, k, low=-4, high=-1).requires_grad_()
    log_q = t.uniform(b, k, low=-2, high=1).requires_grad_()
    t.property("one bound for each example")
    out = t.call(iw_bound, log_joint, log_q)
    ideas = {"wrong axis": (k,), "reduced over the batch": [(), (1,)]}
    t.shape(out, (b,), "k draws give one bound.", ideas=ideas)

    t.property("any weights: the logarithm of their mean", of=out)
    joint, q = log_joint.detach().double(), log_q.detach().double()
    ratio, top, more = (joint - q).exp(), (joint - q).amax(1), math.log(k)
    due = torch.tensor([math.log(sum(row) / k) for row in ratio.tolist()])
    ideas = {
        "log k left out": due + more,
        "log k added": due + 2 * more,
        "negative bound": -due,
        "bits in place of nats": due / math.log(2),
        "density in place of its logarithm": due.exp(),
        "q left out": joint.exp().mean(1).log(),
        "mean of the logarithms": (joint - q).mean(1),
        "largest weight only": [top, top - more],
        "ratio turned around": (1 / ratio).mean(1).log(),
        "log_q added": [(joint + q).exp().mean(1).log(), (joint + q).mean(1)],
        "batch size in place of k": due + more - math.log(b),
        "ratio of the means": joint.exp().mean(1).log() - q.exp().mean(1).log(),
        "reduced over the batch": [due.mean().expand(b), due.sum().expand(b)],
    }
    why = "Computed with the weights themselves, which are not small here."
    t.close(out, due, why, ideas=ideas, tol=1e-5)

    steps = 5000.0 * (torch.arange(b) % 2)
    for name, drop, tol, mistake in (
        ("weights as small as e⁻⁵⁰⁰⁰", torch.full((b,), 5000.0), 2e-3, "underflow"),
        ("weights as small as e⁻⁵⁰⁰⁰, and large ones", steps, 2e-3, "underflow"),
        ("weights as large as e⁺²⁰⁰", torch.full((b,), -200.0), 1e-4, "underflow"),
        ("weights as small as e⁻⁹⁰", 60 + steps * 0, 1e-4, "floor under the weights"),
    ):
        t.property(name)
        low = t.tensor(t.call(iw_bound, log_joint - drop[:, None], log_q))
        why = "A factor on all weights of an example adds its logarithm to the bound."
        t.close(low + drop, due, why, mistake, tol=tol)

    t.property("a draw of probability zero")
    some = log_joint.detach().clone()
    some[:, 0] = -math.inf
    rest = (ratio[:, 1:].sum(1) / k).log()
    why = "The mean of the weights, one of which is 0."
    zero = "a zero weight spoils the mean"
    t.close(t.call(iw_bound, some, log_q), rest, why, zero, tol=1e-5)

    t.property("its gradient: each draw by its share of the weights", of=out)
    share = ratio / ratio.sum(1, keepdim=True)
    why = "A draw with a large weight moves the bound the most."
    ideas = {"cut off from the graph": 0.0, "mean of the logarithms": 1 / k}
    t.close(t.grad(out, log_joint), share, why, ideas=ideas, tol=1e-4)
    why, cut = "Where log_joint rises, log_q falls.", "log_q cut off from the graph"
    t.close(t.grad(out, log_q), -share, why, ideas={cut: 0.0}, tol=1e-4)

    t.property("one example, one draw")
    one = t.uniform(1, 1, low=-4, high=-1)
    out = t.call(iw_bound, one, torch.zeros(1, 1))
    lost = {"batch axis lost": ()}
    t.shape(out, (1,), "a batch of one is a batch.", ideas=lost)
    t.close(out, one[0], "With k = 1 it is the logarithm of the only weight.")
