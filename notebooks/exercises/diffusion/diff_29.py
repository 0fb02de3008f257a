"""Versions of exercise diff-29."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Diff29:
    r"""
    $d_j = 2^{-B_j/H}$, and with $N_j$ for the examples that are seen after step $j$,

    $$
    s_j = \frac{(1 - 2^{-B_j/H})\, 2^{-N_j/H}}{1 - 2^{-(B_1 + \dots + B_k)/H}} .
    $$

    For a half-life that is long against the training all shares are nearly
    $B_j / \sum_i B_i$: the average is the mean over all that was seen. Without the
    division it would be almost all $\bar\theta_0$: an average that begins at random
    weights, with a half-life as long as the training, is half made of them at the end.
    A constant $d = 0.999$ has a half-life of 693 steps; with batches twice as large
    these are twice as many examples, and the average another one.

    The mean over all examples is $\sum_r n_r m_r / \sum_r n_r$. The mean of the means
    is the same where all parts are equally large. Where they are not, an example of a
    small part counts for more: with parts of 30 and of 10, three times as much.
    PyTorch's engine takes the mean of the means.
    """

    @reference
    @build
    def reference():
        def shares(batches, half_life):
            B = torch.tensor(batches, dtype=torch.float64)
            after = B.sum() - B.cumsum(0)
            own = -torch.expm1(-math.log(2) * B / half_life)
            s = own * torch.exp2(-after / half_life)
            return s / -torch.expm1(-math.log(2) * B.sum() / half_life)

        def joined(means, counts):
            kept = counts > 0
            weights = counts[kept] / counts.sum(dtype=torch.float64)
            rows = means[kept].double()
            return torch.tensordot(weights, rows, 1).to(means.dtype)

        return shares, joined

    @right
    @build
    def divided_by_their_sum():
        def shares(batches, half_life):
            left, parts = 1.0, []
            for size in batches[::-1]:
                share = -math.expm1(-size / half_life * math.log(2))
                parts.insert(0, left * share)
                left *= 0.5 ** (size / half_life)
            total = math.fsum(parts)
            return torch.tensor([p / total for p in parts], dtype=torch.double)

        def joined(means, counts):
            axes = [-1] + [1] * (means.dim() - 1)
            clean = torch.where(counts.view(axes) > 0, means, 0.0).double()
            return ((clean * counts.view(axes)).sum(0) / counts.sum()).to(means)

        return shares, joined

    @right
    @build
    def by_logarithms():
        def shares(batches, half_life):
            B = torch.tensor(batches).double()
            logs = torch.log(-torch.expm1(-math.log(2) * B / half_life))
            later = B.flip(0).cumsum(0).flip(0) - B
            return torch.softmax(logs - math.log(2) * later / half_life, 0)

        def joined(means, counts):
            total, seen = torch.zeros(means.shape[1:], dtype=torch.float64), 0
            for row, n in zip(means, counts.tolist()):
                if n:
                    total, seen = total + n * row.double(), seen + n
            return (total / seen).to(means.dtype)

        return shares, joined

    @right
    @build
    def by_running_averages():
        def shares(batches, half_life):
            """Each step moves all shares, and the newest gets its own: no start."""
            s, total = torch.zeros(len(batches), dtype=torch.float64), 0
            rate = math.log(2) / half_life
            for j, size in enumerate(batches):
                total += size
                new = math.expm1(-size * rate) / math.expm1(-total * rate)
                old = math.exp(-size * rate) * math.expm1(-(total - size) * rate)
                s = s * (old / math.expm1(-total * rate))
                s[j] = new
            return s

        def joined(means, counts):
            mean, seen = means[0] * 0, 0
            mean = torch.zeros_like(means[0], dtype=torch.float64)
            for i in counts.nonzero().flatten().tolist():
                seen += int(counts[i])
                mean = mean + (means[i].double() - mean) * (int(counts[i]) / seen)
            return mean.to(means)

        return shares, joined

    edited = edits(
        reference,
        """
    start not taken away | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return s
    newest first | return s / - -> s = s.flip(0); return s / -
    average turned around | own = -torch.expm1(-math.log(2) * B / half_life)
        -> d = 1 - torch.exp2(-B / half_life)
        | s = own * torch.exp2(-after / half_life)
        -> left = d.flip(0).cumprod(0).flip(0).roll(-1); left[-1] = 1
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> s = (1 - d) * left; return s / s.sum()
    half-life in steps | B = torch.tensor(batches, dtype=torch.float64)
        -> B = torch.ones(len(batches), dtype=torch.float64)
    e in place of one half | torch.exp2(-after -> torch.exp(-after
        | own = -torch.expm1(-math.log(2) * B -> own = -torch.expm1(-B
        | s / -torch.expm1(-math.log(2) * B -> s / -torch.expm1(-B
    decay taken for straight | own = -torch.expm1(-math.log(2) * B / half_life)
        -> d = (1 - B / half_life / 2)
        | s = own * torch.exp2(-after / half_life)
        -> left = d.flip(0).cumprod(0).flip(0).roll(-1); left[-1] = 1
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> s = (1 - d) * left; return s / s.sum()
    one batch size for all steps | B = torch.tensor(batches, dtype=torch.float64)
        -> B = torch.tensor(batches, dtype=torch.float64); B = B.mean().expand(len(B))
    one batch size for all steps | B = torch.tensor(batches, dtype=torch.float64)
        -> B = torch.full((len(batches),), batches[0], dtype=torch.float64)
    decay of another step | own = -torch.expm1(-math.log(2) * B / half_life)
        -> own = -torch.expm1(-math.log(2) * B.roll(1) / half_life)
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return s / s.sum()
    decay of another step | own = -torch.expm1(-math.log(2) * B / half_life)
        -> own = torch.ones_like(B)
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return s / s.sum()
    share lost too often | after = B.sum() - B.cumsum(0)
        -> after = B.sum() - B.cumsum(0) + B
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return s / s.sum()
    half-life not counted | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return B / B.sum()
    half-life not counted | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return torch.full_like(s, 1 / len(s))
    difference of near numbers | own = -torch.expm1(-math.log(2) * B / half_life)
        -> own = 1 - torch.exp2(-B / half_life)
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return s / s.sum()
    difference of near numbers
        | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return s / (1 - 0.5 ** (B.sum() / half_life))
    float32 in between | return s / -torch.expm1(-math.log(2) * B.sum() / half_life)
        -> return (s / s.sum()).float().double()
    not to the digits asked for | B = torch.tensor(batches, dtype=torch.float64)
        -> B = torch.tensor(batches, dtype=torch.float64) + 1e-6
    wrong dtype | B = torch.tensor(batches, dtype=torch.float64)
        -> B = torch.tensor(batches, dtype=torch.float32)
    wrong shape | return s / - -> s = s[:, None]; return s / -
    sign flipped | own = -torch.expm1( -> own = torch.expm1(
    mean of the means | torch.tensordot(weights, rows, 1) -> rows.mean(0)
    sum in place of the mean | torch.tensordot(weights, rows, 1) -> rows.sum(0)
    sum in place of the mean | counts[kept] / counts.sum(dtype=torch.float64)
        -> counts[kept].double()
    divided by the number of processes | counts[kept] / counts.sum(dtype=torch.float64)
        -> counts[kept].double() / len(counts)
    counts turned around | counts[kept] / counts.sum(dtype=torch.float64)
        -> (1 / counts[kept].double()) / (1 / counts[kept].double()).sum()
    another power of the counts | counts[kept] / counts.sum(dtype=torch.float64)
        -> counts[kept].double().sqrt() / counts[kept].double().sqrt().sum()
    empty part not left out | kept = counts > 0 -> kept = counts >= 0
    empty part not left out | kept = counts > 0
        -> kept = torch.ones_like(counts, dtype=torch.bool)
    float32 in between | rows = means[kept].double()
        -> rows = means[kept].float(); weights = weights.float()
    wrong dtype | .to(means.dtype) -> .to(torch.float32)
    wrong shape | torch.tensordot(weights, rows, 1)
        -> torch.tensordot(weights, rows, 1)[None]
    """,
    )

    @wrong("first weights taken for the start")
    @build
    def from_the_first_weights():
        def shares(batches, half_life):
            s = torch.zeros(len(batches), dtype=torch.float64)
            s[0] = 1.0
            for j, size in list(enumerate(batches))[1:]:
                d = 0.5 ** (size / half_life)
                s = s * d
                s[j] = 1 - d
            return s

        return shares, Diff29.reference()[1]

    @wrong("underflow to nan")
    @build
    def by_dividing_by_what_is_left():
        def shares(batches, half_life):
            B = torch.tensor(batches, dtype=torch.float64)
            own = -torch.expm1(-math.log(2) * B / half_life)
            left = torch.exp2(-B.cumsum(0) / half_life)
            s = own / left
            return s / s.sum()

        return shares, Diff29.reference()[1]

    @wrong("empty part not left out")
    @build
    def only_nan_left_out():
        def joined(means, counts):
            weights = counts / counts.sum(dtype=torch.float64)
            means = means.masked_fill(means.isnan(), 0.0)
            return torch.tensordot(weights.to(means), means, 1)

        return Diff29.reference()[0], joined

    @wrong("result of an earlier call")
    @build
    def kept_by_length():
        kept, (right_one, joined) = {}, Diff29.reference()

        def shares(batches, half_life):
            if len(batches) not in kept:
                kept[len(batches)] = right_one(batches, half_life)
            return kept[len(batches)]

        return shares, joined
