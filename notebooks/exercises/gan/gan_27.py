"""Versions of exercise gan-27."""

import math
from collections import Counter

import torch
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gan27:
    r"""
    Why $\mathrm{KL}(q \,\|\, p)$ and not the other way around? With 1,000 modes and a
    few thousand examples some modes are missing by chance alone: the other direction is
    then infinite for every generator, and says nothing. This one stays finite where
    modes are missing, and grows by them: of $k$ equal modes out of a thousand it is
    $\log(1000 / k)$. In return it is infinite as soon as one example is where no real
    one is. With frequencies that were counted this also happens by chance, where $p$
    comes from few real examples: say how many there were.

    It is not 0 for a perfect generator, either. With $n$ made examples of $K$ modes it
    is about $(K - 1) / 2n$ on average, 0.02 for 1,000 modes and 25,000 examples, as
    long as every mode is made often. Compare numbers for the same $n$ only.
    """

    @reference
    def digit_modes(logits, counts):
        r, g, b = logits.argmax(dim=2).unbind(dim=1)
        made = torch.bincount(100 * r + 10 * g + b, minlength=1000)
        some = made > 0
        met = (counts[some] > 0).sum()
        q = made[some].double() / made.sum()
        p = counts[some].double() / counts.sum()
        return int(met), float((q * (q / p).log()).sum())

    @right
    def by_dictionaries(logits, counts):
        made = Counter()
        for row in logits.tolist():
            r, g, b = (max(range(10), key=v.__getitem__) for v in row)
            made[100 * r + 10 * g + b] += 1
        real, total = counts.tolist(), int(counts.sum())
        kl = 0.0
        for mode, k in made.items():
            if not real[mode]:
                kl = math.inf
                break
            q = k / len(logits)
            kl += q * math.log(q * total / real[mode])
        return sum(real[m] > 0 for m in made), kl

    @right
    def by_a_tensor_of_three_axes(logits, counts):
        q = torch.zeros(10, 10, 10, dtype=torch.float64)
        for digits in logits.max(2).indices:
            q[tuple(digits)] += 1 / len(logits)
        p = counts.view(10, 10, 10) / counts.sum().double()
        kl = (torch.special.xlogy(q, q) - torch.special.xlogy(q, p)).sum()
        return ((q > 0) & (p > 0)).sum(), kl

    @right
    def by_unique_modes(logits, counts):
        code = torch.tensor([100, 10, 1])
        modes, made = (logits.argmax(-1) * code).sum(1).unique(return_counts=True)
        real = counts[modes]
        log_q = made.double().log() - math.log(len(logits))
        log_p = real.double().log() - counts.double().sum().log()
        return (real > 0).sum().item(), (log_q.exp() * (log_q - log_p)).sum()

    @right
    def by_library_functions(logits, counts):
        one_hot = F.one_hot(logits.argmax(2), 10).double()
        q = torch.einsum("ni,nj,nk->ijk", *one_hot.unbind(1)).flatten() / len(logits)
        p = counts.double() / counts.sum()
        met = torch.count_nonzero(q[counts > 0])
        return met, kl_divergence(Categorical(q), Categorical(p)).item()

    edited = edits(
        digit_modes,
        """
    channels in another order | r, g, b = -> b, g, r =
    channels in another order | r, g, b = -> r, b, g =
    channels in another order | 100 * r + 10 * g + b -> r + 10 * g + 100 * b
    largest along another axis
        | logits.argmax(dim=2) -> logits.view(-1, 10, 3).argmax(1)
    smallest logit taken | argmax -> argmin
    smallest logit taken | logits.argmax(dim=2) -> (-logits).argmax(dim=2)
    last of equal logits | logits.argmax(dim=2) -> (9 - logits.flip(2).argmax(dim=2))
    last of equal logits | logits.argmax(dim=2) -> logits.argsort(stable=True)[:, :, -1]
    logits that were squashed | logits.argmax -> logits.softmax(2).argmax
    logits that were squashed | logits.argmax -> logits.sigmoid().argmax
    logits that were squashed | logits.argmax -> logits.exp().argmax
    logits that were squashed | logits.argmax -> logits.float().argmax
    logits that were squashed | logits.argmax -> logits.half().argmax
    logits that were squashed | logits.argmax -> logits.clamp(-1e3, 1e3).argmax
    logits that were squashed | logits.argmax -> ((logits * 1e6).round() / 1e6).argmax
    modes that nobody has | (counts[some] > 0).sum() -> (made > 0).sum()
    modes of the real examples | (counts[some] > 0).sum() -> (counts > 0).sum()
    modes not met
        | (counts[some] > 0).sum() -> ((made == 0) & (counts > 0)).sum()
    modes not met | (counts[some] > 0).sum() -> 1000 - (made > 0).sum()
    examples counted | (counts[some] > 0).sum() -> made[counts > 0].sum()
    examples counted | (counts[some] > 0).sum() -> made.sum()
    share in place of the number | int(met) -> float(met / 1000)
    share in place of the number | int(met) -> float(met / (counts > 0).sum())
    not a whole number | int(met) -> float(met)
    numbers exchanged | int(met), float((q * (q / p).log()).sum())
        -> float((q * (q / p).log()).sum()), int(met)
    frequencies taken as even | counts[some].double() / counts.sum()
        -> torch.full_like(q, 1e-3)
    frequencies taken as even | counts[some].double() / counts.sum()
        -> (counts[some] > 0).double() / (counts > 0).sum()
    frequencies not divided by their sum
        | counts[some].double() / counts.sum() -> counts[some].double()
    frequencies not divided by their sum
        | made[some].double() / made.sum() -> made[some].double()
    real modes that are missing left out | / counts.sum() -> / counts[some].sum()
    frequencies smoothed | counts[some].double() / counts.sum()
        -> (counts[some] + 1).double() / (counts.sum() + 1000)
        | made[some].double() / made.sum()
        -> (made[some] + 1).double() / (made.sum() + 1000)
    frequencies smoothed | (q / p) -> (q / (p + 1e-12))
    frequencies smoothed | (q / p) -> ((q + 1e-8) / (p + 1e-8))
    frequencies smoothed | (q / p) -> (q / p.clamp(min=1e-10))
    KL reversed | met = (counts[some] > 0).sum()
        -> met = (counts[some] > 0).sum(); some = some & (counts > 0)
        | (q * (q / p).log()) -> (p * (p / q).log())
    KL reversed | met = (counts[some] > 0).sum()
        -> met = (counts[some] > 0).sum(); some = counts > 0
        | (q * (q / p).log()) -> (p * (p / q).log())
    mean over the modes | (q / p).log()).sum() -> (q / p).log()).mean()
    mean over the modes | (q / p).log()).sum() -> (q / p).log()).sum() / 1000
    mean over the modes | (q * (q / p).log()).sum() -> (q / p).log().mean()
    another divergence | (q * (q / p).log()).sum() -> -(q * p.log()).sum()
    another divergence | (q * (q / p).log()).sum() -> -(q * q.log()).sum()
    another divergence | (q * (q / p).log()).sum() -> (q / p).log().sum()
    bits in place of nats | (q / p).log() -> (q / p).log2()
    logarithm to base 10 | (q / p).log() -> (q / p).log10()
    sign flipped | (q / p) -> (p / q)
    zero times the logarithm of zero | met = (counts[some] > 0).sum()
        -> met = (counts[some] > 0).sum(); some = made > -1
    modes that nobody has left out of the divergence
        | met = (counts[some] > 0).sum()
        -> met = (counts[some] > 0).sum(); some = some & (counts > 0)
    modes that nobody has left out of the divergence
        | met = (counts[some] > 0).sum()
        -> met = (counts[some] > 0).sum(); made = made * (counts > 0); some = made > 0
    float32 in between | made[some].double() -> made[some].float()
        | counts[some].double() -> counts[some].float()
    float32 in between | made[some].double() -> made[some]
        | counts[some].double() -> counts[some]
    float32 in between | float((q * (q / p).log()).sum())
        -> (q * (q / p).log()).sum().float()
    input changed in place | r, g, b = -> counts += 0 * counts + 1; r, g, b =
    """,
    )

    @wrong("each channel by itself")
    def three_divergences(logits, counts):
        met = Gan27.digit_modes(logits, counts)[0]
        total = 0.0
        for i, digits in enumerate(logits.argmax(2).unbind(1)):
            q = torch.bincount(digits, minlength=10).double() / len(logits)
            p = counts.view(10, 10, 10).double().sum([j for j in range(3) if j != i])
            total += float(torch.special.xlogy(q, q / (p / p.sum())).sum())
        return met, total

    @wrong("digits of each channel")
    def digits_met(logits, counts):
        real = counts.view(10, 10, 10)
        total = 0
        for i, digits in enumerate(logits.argmax(2).unbind(1)):
            there = real.sum([j for j in range(3) if j != i]) > 0
            total += int(there[digits.unique()].sum())
        return total, Gan27.digit_modes(logits, counts)[1]

    @wrong("probabilities in place of digits")
    def soft_modes(logits, counts):
        r, g, b = logits.double().softmax(2).unbind(1)
        q = torch.einsum("ni,nj,nk->ijk", r, g, b).flatten() / len(logits)
        p = counts.double() / counts.sum()
        met = Gan27.digit_modes(logits, counts)[0]
        return met, float((q * (q / p).log()).sum())

    @wrong("another divergence")
    def jensen_shannon(logits, counts):
        met = Gan27.digit_modes(logits, counts)[0]
        r, g, b = logits.argmax(2).unbind(1)
        q = torch.bincount(100 * r + 10 * g + b, minlength=1000) / len(logits)
        q, p = q.double(), counts.double() / counts.sum()
        m = (p + q) / 2
        both = torch.special.xlogy(q, q) + torch.special.xlogy(p, p)
        return met, float((both - 2 * torch.special.xlogy(m, m)).sum() / 2)

    @wrong("result of an earlier call")
    @build
    def kept_counts():
        memory = {}

        def digit_modes(logits, counts):
            return Gan27.digit_modes(logits, memory.setdefault(0, counts))

        return digit_modes

    @wrong("result of an earlier call")
    @build
    def kept_results():
        memory = []

        def digit_modes(logits, counts):
            memory.append(Gan27.digit_modes(logits, counts))
            return memory[0]

        return digit_modes
