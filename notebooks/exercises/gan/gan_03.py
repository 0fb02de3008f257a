"""Versions of exercise gan-03."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gan03:
    r"""
    The derivative of $\sum_x p(x) \log p(x) - \sum_x p(x) \log q(x)$ in $q(x)$ is
    $-p(x)/q(x)$, and $p/q = e^{f^*}$: so $h(f) = -e^f$
    ([Goodfellow, 2014](https://arxiv.org/abs/1412.6515)). With the best critic the loss
    is $-\mathbb{E}_q[p/q] = -1$ wherever $q$ covers $p$, for good generators and bad
    ones alike: nothing can be read from its value.

    Why is it not used? Take $p = \mathcal N(0, 1)$, $q = \mathcal N(d, 1)$ and the best
    critic: this is the standard deviation of the gradient that one example gives for
    $d$, divided by its mean.

    | $d$ | saturating | non-saturating | this one |
    |---|---|---|---|
    | 1 | 0.51 | 0.33 | 1.3 |
    | 2 | 1.1 | 0.32 | 7.3 |
    | 3 | 2.0 | 0.22 | 90 |
    | 4 | 3.7 | 0.13 | 2981 |

    In the last column stands $\sqrt{e^{d^2} - 1}$. The few examples that $q$ makes
    where the data are carry it: for $d = 3$ half of 200 batches of 1000 gave less than
    0.72 times the mean, and one in twenty more than 1.85 times. Maximum likelihood
    wants every example of the data covered; examples of the generator say little about
    those that it does not make.
    """

    @reference
    def likelihood_loss(made):
        return -made.exp().mean()

    @right
    def by_odds_from_logarithms(made):
        return -(F.logsigmoid(made) - F.logsigmoid(-made)).exp().mean()

    @right
    def by_softplus(made):
        return -torch.exp(F.softplus(made) - F.softplus(-made)).mean()

    @right
    def by_logsumexp(made):
        total = torch.logsumexp(made.double(), 0)
        return -(total.exp() / len(made))

    @right
    def by_loops(made):
        total = torch.zeros((), dtype=torch.float64)
        for f in made:
            total = total - torch.exp(f.double())
        return total / len(made)

    @right
    def with_a_weight_held_fixed(made):
        # The value by the weight, the slope by what stands beside it.
        weight = made.detach().exp()
        return -(weight * (1 + made - made.detach())).mean()

    edited = edits(
        likelihood_loss,
        """
    sign flipped | -made -> made
    sum over the batch | mean -> sum
    not averaged over the batch | .mean() ->
    value of the divergence | -made.exp() -> (made * made.exp())
    value of the divergence | -made.exp() -> (made * made.exp() - made.exp() + 1)
    logarithm of the ratio | -made.exp() -> (-made)
    saturating loss | -made.exp() -> -F.softplus(made)
    non-saturating loss | -made.exp() -> F.softplus(-made)
    probability in place of the ratio | -made.exp() -> -made.sigmoid()
    probability in place of the ratio | -made.exp() -> (1 - made.sigmoid())
    ratio turned around | -made.exp() -> -(-made).exp()
    ratio turned around | -made.exp() -> (-made).exp()
    root or square of the ratio | -made.exp() -> -(made / 2).exp()
    root or square of the ratio | -made.exp() -> -(2 * made).exp()
    another constant | -made.exp() -> -torch.expm1(made)
    another constant | -made.exp() -> (-1 - made.exp())
    half of what is due, or twice | -made.exp() -> -0.5 * made.exp()
    half of what is due, or twice | -made.exp() -> -2 * made.exp()
    weights normalized over the batch | -made.exp().mean() -> -made.exp().mean().log()
    weights normalized over the batch | -made.exp().mean()
        -> -(made.softmax(0) * made).sum()
    weights normalized over the batch | -made.exp().mean()
        -> -(made.softmax(0).detach() * made).sum()
    value of the divergence | -made.exp() -> -(made.exp().detach() * made)
    cut off from the graph | return -> return 0 * made.sum() +
        | -made.exp() -> -made.detach().exp()
    a bound on the ratio | -made.exp() -> -made.clamp(max=10).exp()
    a bound on the ratio | -made.exp() -> -made.clamp(max=50).exp()
    a bound on the ratio | -made.exp() -> -made.exp().clamp(max=1e6)
    odds of a saturated sigmoid
        | -made.exp() -> -(made.sigmoid() / (1 - made.sigmoid()))
    a bound on the ratio
        | -made.exp() -> -(made.sigmoid() / (1 - made.sigmoid() + 1e-8))
    odds of a saturated sigmoid | -made.exp() -> -torch.logit(made.sigmoid()).exp()
    overflow | -made.exp() -> -(made.sigmoid() / (-made).sigmoid())
    overflow | -made.exp() -> -((2 * made).exp() / made.exp())
    overflow | -made.exp() -> -(made.double().exp() ** 2).float().sqrt()
    overflow | -made.exp() -> (-1 / (-made).exp())
    odds of a saturated sigmoid | -made.exp()
        -> -(made.double().sigmoid() / (1 - made.double().sigmoid()))
    small values lost | -made.exp() -> -made.exp().where(made > -15, 0 * made)
    small values lost | -made.exp() -> (1 - (1 + made.exp()))
    wrong shape | .mean() -> .mean(0, True)
    input changed in place | made.exp() -> made.data.exp_()
    """,
    )

    @wrong("slope of another function")
    def slope_of_the_non_saturating_loss(made):
        other = F.softplus(-made).mean()
        return other - other.detach() - made.detach().exp().mean()

    @wrong("slope of another function")
    def slope_of_the_ratio_turned_around(made):
        other = (-made).exp().mean()
        return other - other.detach() - made.detach().exp().mean()

    @wrong("result of an earlier call")
    @build
    def kept_for_the_batch_size():
        memory = {}

        def likelihood_loss(made):
            return memory.setdefault(len(made), -made.exp().mean())

        return likelihood_loss

    @wrong("value of the divergence")
    def the_divergence(made):
        real = torch.sigmoid(made)
        return (real / (1 - real) * (real.log() - (1 - real).log())).mean()
