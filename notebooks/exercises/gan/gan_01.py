"""Versions of exercise gan-01."""

import math

import torch
from torch.distributions import Categorical

from .. import build, edits, reference, right, wrong


class Gan01:
    r"""
    The slope $s\, p/D - (1 - s)\, q/(1 - D)$ is zero where
    $D / (1 - D) = s\, p / ((1 - s)\, q)$, so the critic's value is
    $f^* = \log \frac{p}{q} + \log \frac{s}{1 - s}$: the share adds a constant. Where
    $q = p$ it says $s$ everywhere, its slope is 0, and the generator stays: the fixed
    point of the game is the same. What changes are the weights of (4.4), and whoever
    wants $\log p/q$ has to subtract the constant.

    A critic $f = w x + b$ was fitted to 20,000 examples of $p = \mathcal N(1, 1)$ and
    $q = \mathcal N(-1, 1)$, where $\log p/q = 2x$. In five runs with equal parts $w$
    was 1.96 to 2.04 and $b$ at most 0.03 in size; with one real example for four made,
    $w$ was 1.95 to 2.02 and $b$ from $-1.40$ to $-1.35$, where $\log \frac14 = -1.386$.
    """

    @reference
    def best_critic(log_p, log_q, share):
        odds = math.log(share) - math.log1p(-share)
        return torch.sigmoid(log_p - log_q + odds)

    @right
    def by_bayes(log_p, log_q, share):
        real = log_p + math.log(share)
        made = log_q + math.log(1 - share)
        return torch.stack([real, made]).softmax(0)[0]

    @right
    def by_logaddexp(log_p, log_q, share):
        real = log_p.double() + math.log(share)
        made = log_q.double() + math.log(1 - share)
        return (real - torch.logaddexp(real, made)).exp()

    @right
    def by_loops(log_p, log_q, share):
        out = []
        for a, b in zip(log_p.tolist(), log_q.tolist()):
            top = max(a, b)
            real, made = share * math.exp(a - top), (1 - share) * math.exp(b - top)
            out.append(real / (real + made))
        return torch.tensor(out)

    @right
    def by_one_exponential(log_p, log_q, share):
        return 1 / (1 + (1 - share) / share * (log_q - log_p).exp())

    @right
    def by_categorical(log_p, log_q, share):
        logits = torch.stack([log_p - log_q, torch.zeros_like(log_p)], -1)
        logits = logits.clamp(-300, 300).double()
        prior = logits.new_tensor([share, 1 - share]).log()
        return Categorical(logits=logits + prior).probs[:, 0]

    edited = edits(
        best_critic,
        """
    share left out | + odds ->
    shares exchanged | + odds -> - odds
    share of one side alone | - math.log1p(-share) ->
    share of one side alone | math.log(share) - math.log1p(-share)
        -> -math.log1p(-share)
    weights added, not their logarithms | + odds -> + share
    weights added, not their logarithms | + odds -> + 2 * share - 1
    weights added, not their logarithms | + odds -> + share / (1 - share)
    share with another power | + odds -> + 2 * odds
    another base | + odds -> + odds / math.log(2)
    another base | + odds -> + odds / math.log(10)
    another base | log_p - log_q -> (log_p - log_q) * math.log(2)
    another base | log_p - log_q + odds -> (log_p - log_q + odds) * math.log(10)
    a bound on the share | log_p - log_q + odds
        -> log_p - log_q + max(-4, min(4, odds))
    a bound on the share | odds = math.log(share) - math.log1p(-share)
        -> odds = math.log(share + 1e-3) - math.log(1 - share + 1e-3)
    ratio turned around | log_p - log_q -> log_q - log_p
    product of the densities | log_p - log_q -> log_p + log_q
    logarithms taken as densities | torch.sigmoid(log_p - log_q + odds)
        -> share * log_p / (share * log_p + (1 - share) * log_q)
    critic's value in place of its probability
        | torch.sigmoid(log_p - log_q + odds) -> log_p - log_q + odds
    ratio in place of the probability | torch.sigmoid( -> torch.exp(
    logarithm of the probability | torch.sigmoid( -> F.logsigmoid(
    sigmoid applied twice | torch.sigmoid( -> torch.sigmoid(torch.sigmoid(
        | + odds) -> + odds))
    share outside of the ratio
        | torch.sigmoid(log_p - log_q + odds) -> share * torch.sigmoid(log_p - log_q)
    not normalized | torch.sigmoid(log_p - log_q + odds) -> share * log_p.exp()
    probability of the other heap | return -> return 1 -
    probability of the other heap | torch.sigmoid( -> torch.sigmoid(-(
        | + odds) -> + odds))
    small probabilities lost | torch.sigmoid(log_p - log_q + odds)
        -> 1 - torch.sigmoid(log_q - log_p - odds)
    small probabilities lost | torch.sigmoid(log_p - log_q + odds)
        -> torch.sigmoid((log_p - log_q + odds).clamp(-60, 60))
    small probabilities lost | torch.sigmoid(log_p - log_q + odds)
        -> torch.sigmoid(log_p - log_q + odds).clamp(1e-7)
    a density of zero spoils the result
        | log_p - log_q -> log_p.nan_to_num(neginf=-100) - log_q.nan_to_num(neginf=-100)
    a bound on the logarithms | log_p - log_q -> log_p.clamp(-80) - log_q.clamp(-80)
    a bound on the logarithms
        | log_p - log_q -> log_p.clamp(max=1000) - log_q.clamp(max=1000)
    reduced over the batch | + odds) -> + odds).mean()
    batch axis lost | + odds) -> + odds).squeeze()
    input changed in place | log_p - log_q -> log_p.sub_(log_q)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_for_the_batch_size():
        memory = {}

        def best_critic(log_p, log_q, share):
            odds = math.log(share) - math.log1p(-share)
            out = torch.sigmoid(log_p - log_q + odds)
            return memory.setdefault(len(log_p), out)

        return best_critic

    @wrong("underflow to zero")
    def by_densities(log_p, log_q, share):
        p, q = log_p.exp(), log_q.exp()
        return share * p / (share * p + (1 - share) * q)

    @wrong("overflow")
    def by_densities_with_a_guard(log_p, log_q, share):
        p, q = log_p.double().exp(), log_q.double().exp()
        both = share * p + (1 - share) * q
        low = torch.sigmoid(log_p - log_q + math.log(share / (1 - share)))
        return torch.where(both > 0, share * p / both, low)

    @wrong("a bound on the logarithms")
    def with_a_small_number(log_p, log_q, share):
        p, q = log_p.double().exp(), log_q.double().exp()
        return share * p / (share * p + (1 - share) * q + 1e-12)

    @wrong("share outside of the ratio")
    def below_the_line(log_p, log_q, share):
        return 1 / (share + (1 - share) * (log_q - log_p).exp())

    @wrong("one shift for all examples")
    def by_the_largest(log_p, log_q, share):
        top = torch.maximum(log_p.max(), log_q.max())
        p, q = (log_p - top).exp(), (log_q - top).exp()
        return share * p / (share * p + (1 - share) * q)

    @wrong("a density of zero spoils the result")
    def by_the_middle(log_p, log_q, share):
        middle = (log_p + log_q) / 2
        gap = ((log_p - middle) - (log_q - middle)).clamp(-100, 100)
        return torch.sigmoid(gap + math.log(share / (1 - share)))

    @wrong("a density of zero spoils the result")
    def without_infinities(log_p, log_q, share):
        gap = torch.nan_to_num(log_p - log_q, posinf=0.0, neginf=0.0)
        return torch.sigmoid(gap + math.log(share / (1 - share)))
