"""Versions of exercise gan-07."""

import math

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right


class Gan07:
    r"""
    At one point the loss is $-s p \log D - ((1 - s) p + q) \log(1 - D)$, and as on the
    way to (4.2) the best $D$ is the first weight by their sum,
    $D^* = s p / (p + q)$. Its logit is $\log (s p) - \log((1 - s) p + q)$. Where the
    data are alone it is $\log \frac{s}{1 - s}$, at 0.9 the logarithm of 9, and no
    more. Where $p = q$ it is not 0 any longer: $D^* = s/2$. But $f^*$ is a
    function of $p/q$ that grows, as before, and flat where $p/q$ is.

    What it does to the slopes that the generator learns from can be computed. With the
    data $\mathcal N(0, 1)$ and draws $\mathcal N(\mu, 1)$, by quadrature:

    | $\mu$ | $s$ | largest value | mean slope at the data | mean slope at the draws |
    |---|---|---|---|---|
    | 2 | 1 | unbounded | 2 | 2 |
    | 2 | 0.9 | 2.20 | 1.09 | 1.89 |
    | 2 | 0.7 | 0.85 | 0.76 | 1.77 |
    | 4 | 1 | unbounded | 4 | 4 |
    | 4 | 0.9 | 2.20 | 0.39 | 3.96 |
    | 4 | 0.7 | 0.85 | 0.24 | 3.93 |

    Where the two are well apart, smoothing takes the slope away at the data, and leaves
    it where the generator is; close together both lose about the same part. It does not
    bound the value there: far from the data $f^*$ falls as before, by $\log s$ lower.
    Smoothing of both sides would bound it, and flatten it there, too.
    """

    @reference
    @build
    def by_softplus():
        def critic_loss(real, made, label):
            rest = 1 - label
            of_real = label * F.softplus(-real) + rest * F.softplus(real)
            return of_real.mean() + F.softplus(made).mean()

        def best_value(log_p, log_q, label):
            less = math.log(1 - label) if label < 1 else -math.inf
            no = torch.logaddexp(less + log_p, log_q)
            return math.log(label) + log_p - no

        return critic_loss, best_value

    @right
    @build
    def by_cross_entropy():
        bce = F.binary_cross_entropy_with_logits

        def critic_loss(real, made, label):
            loss = bce(real, torch.full_like(real, label))
            return loss + bce(made, torch.zeros_like(made))

        def best_value(log_p, log_q, label):
            rest = torch.tensor(1 - label, dtype=log_p.dtype).log()
            both = torch.stack([rest + log_p, log_q]).logsumexp(0)
            return log_p + math.log(label) - both

        return critic_loss, best_value

    @right
    @build
    def by_one_softplus():
        def critic_loss(real, made, label):
            loss = F.softplus(-real) + (1 - label) * real
            return loss.sum() / len(real) - F.logsigmoid(-made).mean()

        def best_value(log_p, log_q, label):
            # With the ratio of the densities: log s + r - log(1 + (1 - s) e^r).
            r = log_p - log_q
            if label == 1:
                return r
            return math.log(label) + r - F.softplus(r + math.log(1 - label))

        return critic_loss, best_value

    @right
    @build
    def by_loops():
        def critic_loss(real, made, label):
            total = 0.0
            for f in real:
                low = f.clamp(max=0) - torch.log1p((-f.abs()).exp())  # log D
                total = total - (label * low + (1 - label) * (low - f)) / len(real)
            for f in made:
                low = f.clamp(max=0) - torch.log1p((-f.abs()).exp())
                total = total - (low - f) / len(made)
            return total

        def best_value(log_p, log_q, label):
            out = []
            for a, b in zip(log_p.tolist(), log_q.tolist()):
                top = max(a, b)
                # The larger of the two is never lost.
                p, q = math.exp(a - top), math.exp(b - top)
                no = math.log((1 - label) * p + q) if (1 - label) * p + q else b - top
                out.append(math.log(label) + a - top - no)
            return torch.tensor(out, dtype=log_p.dtype)

        return critic_loss, best_value

    edited = edits(
        by_softplus,
        """
    label ignored | label * F.softplus(-real) + rest * F.softplus(real)
        -> F.softplus(-real)
    another label than what was given | rest = 1 - label -> label, rest = 0.9, 1 - 0.9
    another label than what was given | less = math -> label = 0.9; less = math
    float32 in between | rest = 1 - label
        -> dtype, rest = real.dtype, 1 - label; real, made = real.float(), made.float()
        | return of_real.mean() + F.softplus(made).mean()
        -> return (of_real.mean() + F.softplus(made).mean()).to(dtype)
    float32 in between | math.log(label) + log_p - no
        -> (math.log(label) + log_p - no).float().to(log_p)
    label kept below 1 | math.log(1 - label) if label < 1 else -math.inf
        -> math.log(max(1 - label, 1e-7))
    rest of the label with the other density | torch.logaddexp(less + log_p, log_q)
        -> torch.logaddexp(log_p, less + log_q)
    both sides smoothed | + F.softplus(made).mean()
        -> + (label * F.softplus(made) + rest * F.softplus(-made)).mean()
    made examples smoothed in place of real ones
        | label * F.softplus(-real) + rest * F.softplus(real) -> F.softplus(-real)
        | + F.softplus(made).mean()
        -> + (label * F.softplus(made) + rest * F.softplus(-made)).mean()
    rest of the label left out | + rest * F.softplus(real) ->
    label and its rest exchanged | rest = 1 - label -> rest, label = label, 1 - label
    real and made exchanged | rest = 1 - label
        -> real, made = made, real; rest = 1 - label
    real and made exchanged | F.softplus(-real) -> F.softplus(real)
        | rest * F.softplus(real) -> rest * F.softplus(-real)
        | F.softplus(made) -> F.softplus(-made)
    label and its rest exchanged | label * F.softplus(-real) -> label * F.softplus(real)
        | rest * F.softplus(real) -> rest * F.softplus(-real)
    loss of the generator | F.softplus(made) -> F.softplus(-made)
    sign flipped | return of_real.mean() + -> return -of_real.mean() -
    sum over the batch | of_real.mean() -> of_real.sum()
        | (made).mean() -> (made).sum()
    one mean over both batches | of_real.mean() + F.softplus(made).mean()
        -> 2 * torch.cat([of_real, F.softplus(made)]).mean()
    one mean over both batches | of_real.mean() + F.softplus(made).mean()
        -> torch.cat([of_real, F.softplus(made)]).mean()
    off by a factor of two | return of_real.mean() + F.softplus(made).mean()
        -> return 0.5 * (of_real.mean() + F.softplus(made).mean())
    not reduced over the batch | of_real.mean() -> of_real
    sigmoid applied twice | rest = 1
        -> real, made = real.sigmoid(), made.sigmoid(); rest = 1
    bits in place of nats | return of_real.mean() + F.softplus(made).mean()
        -> return (of_real.mean() + F.softplus(made).mean()) / math.log(2)
    squared error in place of the cross-entropy
        | label * F.softplus(-real) + rest * F.softplus(real) -> (real - label) ** 2
        | + F.softplus(made) -> + (made**2)
    logits taken as probabilities | rest = 1
        -> D = torch.cat([real, made]).clamp(1e-4, 1 - 1e-4); rest = 1
        | label * F.softplus(-real) + rest * F.softplus(real)
        -> F.binary_cross_entropy(D[:len(real)], 0 * real + label, reduction="none")
        | + F.softplus(made).mean()
        -> + F.binary_cross_entropy(D[len(real):], 0 * made)
    logarithm of a saturated sigmoid
        | label * F.softplus(-real) + rest * F.softplus(real)
        -> -label * real.sigmoid().log() - rest * (1 - real.sigmoid()).log()
    logarithm of a saturated sigmoid
        | + F.softplus(made).mean() -> - (1 - made.sigmoid() + 1e-8).log().mean()
    logarithm of a saturated sigmoid
        | label * F.softplus(-real) + rest * F.softplus(real)
        -> F.binary_cross_entropy(real.sigmoid(), 0 * real + label, reduction="none")
    logarithm of a saturated sigmoid
        | + F.softplus(made).mean() -> + (1 + made.exp()).log().mean()
    logits clamped | rest = 1
        -> real, made = real.clamp(-30, 30), made.clamp(-30, 30); rest = 1
    cut off from the graph | rest = 1 -> made = made.detach(); rest = 1
    cut off from the graph | return of_real -> return of_real.detach()
    wrong dtype | rest = 1 -> real, made = real.float(), made.float(); rest = 1
    best value without smoothing | math.log(label) + log_p - no -> log_p - log_q
    probability in place of the value | math.log(label) + log_p - no
        -> (math.log(label) + log_p - no).sigmoid()
    label times the value | math.log(label) + log_p - no -> label * (log_p - log_q)
    label taken from the numerator alone
        | math.log(label) + log_p - no -> math.log(label) + log_p - log_q
    densities exchanged | no = torch
        -> log_p, log_q = log_q, log_p; no = torch
    sign flipped | math.log(label) + log_p - no -> no - log_p - math.log(label)
    both sides smoothed
        | no = torch.logaddexp(less + log_p, log_q)
        -> p, q, rest = log_p.exp(), log_q.exp(), 1 - label
        | math.log(label) + log_p - no
        -> ((label * p + rest * q) / (rest * p + label * q)).log()
    densities out of range | no = torch.logaddexp(less + log_p, log_q)
        -> no = ((1 - label) * log_p.exp() + log_q.exp()).log()
    densities out of range | no = torch.logaddexp(less + log_p, log_q)
        -> D = label * log_p.exp() / (log_p.exp() + log_q.exp())
        | math.log(label) + log_p - no -> torch.logit(D)
    densities out of range | no = torch.logaddexp(less + log_p, log_q)
        -> D = label * (log_p - log_q).sigmoid()
        | math.log(label) + log_p - no -> torch.logit(D, eps=1e-6)
    logarithm of zero
        | no = torch.logaddexp(less + log_p, log_q)
        -> r = torch.tensor(1 - label).to(log_p).log(); s = math.log(label)
        | math.log(label) + log_p - no -> s - r - F.softplus(log_q - log_p - r)
    probability of the data's share | math.log(label) + log_p - no
        -> log_p - torch.logaddexp(log_p, log_q)
    logarithms in place of densities | math.log(label) + log_p - no
        -> label * log_p / ((1 - label) * log_p + log_q)
    """,
    )
