"""Versions of exercise ar-03."""

import itertools

import torch

from .. import build, edits, reference, right, wrong


class Ar03:
    r"""
    Follow a path from an input to an output: along hidden units the degree stays or
    grows, and at the last step it grows by at least one. So an input of degree $i$ gets
    to an output of degree $m$ only if $i < m$. One strict step on each path is enough
    for this; two of them, at the inputs and at the outputs, would lose the value right
    before. With no hidden layer the strict rule is all there is, and the mask is that
    of a logistic regression for each value.

    Hidden units of degree $d$ or more are seen by no output, and those of degree 0 or
    less see nothing but their bias: that is why degrees are drawn from 1 to $d - 1$.

    Whether masks are right is best seen by their product, the last one times the one
    before, and so on: an entry counts the paths from an input to an output, and has to
    be 0 for $i \ge m$. That all entries with $i < m$ are positive needs a hidden unit
    of a degree from $i$ to $m - 1$ in each layer, none lower than in the layer before.
    """

    @reference
    def made(degrees):
        masks = []
        for i, (below, above) in enumerate(itertools.pairwise(degrees), 2):
            last = i == len(degrees)
            seen = below < above[:, None] if last else below <= above[:, None]
            masks.append(seen.float())
        return masks

    @right
    def by_loops(degrees):
        masks = []
        for layer in range(1, len(degrees)):
            above, below = degrees[layer].tolist(), degrees[layer - 1].tolist()
            mask = torch.zeros(len(above), len(below))
            for i, m in enumerate(above):
                for j, k in enumerate(below):
                    if k < m or (k == m and layer < len(degrees) - 1):
                        mask[i, j] = 1.0
            masks.append(mask)
        return masks

    @right
    def by_shifted_outputs(degrees):
        *rest, last = degrees
        rest = [*rest, last - 1]
        return tuple(
            torch.where(a.unsqueeze(1) - b.unsqueeze(0) >= 0, 1.0, 0.0)
            for b, a in itertools.pairwise(rest)
        )

    @right
    def by_numpy(degrees):
        import numpy as np

        arrays = [v.numpy().astype(np.float32) for v in degrees]
        arrays[-1] = arrays[-1] - 0.5
        masks = [
            np.greater_equal.outer(above, below).astype("float32")
            for below, above in itertools.pairwise(arrays)
        ]
        return [torch.tensor(m) for m in masks]

    edited = edits(
        made,
        """
    an output sees its own value | below < above -> below <= above
    a hidden unit does not see its own degree | below <= above -> below < above
    a hidden unit does not see its own degree
        | last = i == len(degrees) -> last = i in (2, len(degrees))
    a hidden unit does not see its own degree
        | last = i == len(degrees) -> last = i > 2 or i == len(degrees)
    strict at the inputs, not at the outputs | i == len(degrees) -> i == 2
    later in place of earlier | below < above -> below > above
        | below <= above -> below >= above
    later in place of earlier | below < above -> below >= above
        | below <= above -> below > above
    equal degrees alone | below < above -> below == above
        | below <= above -> below == above
    equal degrees alone | below <= above -> below == above
    above and below exchanged | seen.float() -> seen.T.float()
    wrong dtype | seen.float() -> seen
    wrong dtype | seen.float() -> seen.long()
    wrong dtype | seen.float() -> seen.double()
    another number of masks | masks = [] -> masks = []; degrees = degrees[:-1]
    another number of masks | return masks -> return masks[0] if i == 2 else masks
    everything seen | seen.float() -> torch.ones_like(seen).float()
    rows normalized | seen.float()
        -> seen.float() / seen.float().sum(1, keepdim=True).clamp(min=1)
    position taken for the degree | masks = []
        -> masks = []; degrees = [torch.arange(len(v)) + 1 for v in degrees]
    position taken for the degree | masks = []
        -> masks = []; degrees = [torch.arange(len(degrees[0])) + 1, *degrees[1:]]
    position taken for the degree | masks = []
        -> masks = []; degrees = [*degrees[:-1], torch.arange(len(degrees[-1])) + 1]
    degrees taken for an order | masks = []
        -> masks = []; degrees = [degrees[0].argsort() + 1, *degrees[1:]]
    degrees taken for an order | masks = []
        -> masks = []; degrees = [degrees[0].argsort() + 1, *degrees[1:]];
           degrees[-1] = degrees[-1].argsort() + 1
    degrees of the inputs taken for those of the outputs | masks = []
        -> masks = []; degrees = [*degrees[:-1], degrees[0]]
    degrees of hidden units clipped | masks = []
        -> masks = []; d = len(degrees[0]);
           degrees = [degrees[0], *(v.clamp(1, d - 1) for v in degrees[1:-1]),
           degrees[-1]]
    degrees of hidden units clipped | masks = []
        -> masks = []; degrees = [v.clamp(min=1) for v in degrees]
    degrees changed | masks = [] -> masks = []; degrees[-1] -= 1
        | below < above -> below <= above
    degrees changed | masks = [] -> masks = []; degrees.append(degrees.pop() - 1)
        | below < above -> below <= above
    wrong shape | seen.float() -> seen.float().squeeze()
    wrong shape | seen.float() -> seen.float()[None]
    not a tensor | seen.float() -> seen.float().tolist()
    """,
    )

    @wrong("an output sees its own value")
    def strict_only_after_hidden_layers(degrees):
        if len(degrees) == 2:
            return [(degrees[0] <= degrees[1][:, None]).float()]
        return Ar03.made(degrees)

    @wrong("result of an earlier call")
    @build
    def kept_by_sizes():
        memory = {}

        def made(degrees):
            key = tuple(len(v) for v in degrees)
            if key not in memory:
                memory[key] = Ar03.made(degrees)
            return memory[key]

        return made
