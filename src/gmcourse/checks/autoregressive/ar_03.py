"""Exercise ar-03: Who may see whom."""

import torch

from .._exercise import Exercise


@Exercise(
    id="ar-03",
    title="Who may see whom",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Write the masks that make a plain network autoregressive.",),
    statement=r"""
A network of linear layers becomes autoregressive when some of its weights are held at
0: each unit gets a *degree*, and a unit sees another one in the layer below only if the
degrees allow it
([Germain et al., 2015](https://arxiv.org/abs/1502.03509)).

- An input has as its degree its place in the order, counted from 1. The inputs do not
  stand in that order: with the degrees 3, 1, 2 the second input comes first, then the
  third, then the first.
- A hidden unit of degree $m$ may depend on the inputs of the degrees 1 to $m$: it sees
  the units of the layer below whose degree is $m$ or less.
- An output of degree $m$ is a parameter of the conditional distribution of the input
  with the degree $m$, and may depend on those before it alone: it sees the units of the
  layer below whose degree is less than $m$.

Write `made(degrees)`, where `degrees` is a list of one-dimensional tensors of whole
numbers (int64): those of the inputs, of each hidden layer (there may be none), and of
the outputs. It gives the list of the masks, one for each pair of neighboring layers, in
the same order: tensors of the shape `(units above, units below)`, as the weight of
`nn.Linear` has it, in float32, 1 where the upper unit sees the lower one and 0
elsewhere.

The outputs may be more than the inputs (several parameters for each) or fewer, in an
order of their own. Degrees of hidden units may be any whole number, in any order: one
of 0 or less sees no input, one of more than the number of inputs sees all of them. A
layer may have a single unit. `degrees` is left as it is.
""",
    stub='''
def made(degrees):
    """Degrees of inputs, hidden layers, outputs -> masks (above, below)."""
    return ...
''',
    answers={"made": callable},
    hints=(
        "A unit of degree 2 depends on the inputs 1 and 2. May a hidden unit of degree "
        "2 see it? May the output of degree 2?",
        "The degrees of the layer above as a column and those of the layer below as a "
        "row: one comparison gives the whole mask.",
        "`itertools.pairwise(degrees)` gives the neighboring layers; the last pair has "
        "a rule of its own.",
    ),
    misconceptions={
        "another number of masks": "There is one between each two neighboring layers.",
        "above and below exchanged": "A row for each unit above, a column for each "
        "one below: as nn.Linear has its weight.",
        "an output sees its own value": "An output of degree m speaks about the value "
        "of degree m, and must not know it.",
        "a hidden unit does not see its own degree": "A hidden unit of degree m may "
        "depend on the input of degree m: only the outputs are strict.",
        "strict at the inputs, not at the outputs": "This keeps the order as well, "
        "but the hidden degrees have another meaning: the rule says which of the two "
        "is strict.",
        "later in place of earlier": "What comes before is seen, not what comes after.",
        "equal degrees alone": "A unit sees all degrees up to its own.",
        "degrees taken for an order": "The input with the degree 1 comes first: the "
        "degree is the place, not the number of the input that stands there.",
        "position taken for the degree": "The units do not stand in the order of "
        "their degrees.",
        "degrees of the inputs taken for those of the outputs": "The outputs have "
        "degrees of their own.",
        "degrees of hidden units clipped": "A hidden unit keeps the degree that it "
        "has, whatever it is.",
        "everything seen": "Some weights have to be 0.",
        "rows normalized": "The entries are 0 and 1.",
        "degrees changed": "The list and its tensors belong to the caller.",
    },
)
def ar_03(t, made):
    def order(n):
        """A permutation of 1, ..., n that is neither its own inverse nor sorted."""
        while True:
            keys = t.uniform(n, low=0, high=1) + torch.arange(n) / 1000
            places = keys.argsort() + 1
            back = places.argsort() + 1
            if n < 3 or not torch.equal(places, back):
                return places

    def hidden(n, d):
        """Every degree from 1 to d - 1 at least once, if there is room."""
        some = t.integers(n, low=1, high=max(d - 1, 1))
        some[: d - 1] = torch.arange(1, d)[:n]
        return some[order(n) - 1]

    def table(above, below, sees):
        rows = [[float(sees(a, b)) for b in below.tolist()] for a in above.tolist()]
        return torch.tensor(rows)

    def loose(a, b):
        return not b > a

    def strict(a, b):
        return not b >= a

    def due(degrees, inner=loose, outer=strict):
        n = len(degrees) - 1
        layers = range(1, n + 1)
        rules = [inner if i < n else outer for i in layers]
        return [table(degrees[i], degrees[i - 1], r) for i, r in zip(layers, rules)]

    def inverse(v):
        return v.argsort() + 1

    def places(v):
        return torch.arange(1, len(v) + 1)

    def rivals(degrees):
        """Lists of masks that other rules would give."""
        d, n = len(degrees[0]), len(degrees) - 1
        inputs, *inner, outputs = degrees
        right = due(degrees)
        mixed = [table(degrees[i + 1], degrees[i], strict if i == 0 else loose)
                 for i in range(n)]  # fmt: skip
        after = due(degrees, lambda a, b: b >= a, lambda a, b: b > a)
        turned = due(degrees, lambda a, b: b > a, lambda a, b: b >= a)
        same = due(degrees, lambda a, b: a == b, lambda a, b: a == b)
        alike = due(degrees, lambda a, b: a == b)
        yield "an output sees its own value", due(degrees, outer=loose)
        yield "strict at the inputs, not at the outputs", mixed
        yield "a hidden unit does not see its own degree", due(degrees, strict)
        first = [table(degrees[1], inputs, strict), *right[1:]]
        yield "a hidden unit does not see its own degree", first
        later = [*right[:1], *due(degrees, strict)[1:]]
        yield "a hidden unit does not see its own degree", later
        yield "later in place of earlier", after
        yield "later in place of earlier", turned
        yield "equal degrees alone", same
        yield "equal degrees alone", alike
        ways = {
            "degrees taken for an order": [
                [inverse(inputs), *inner, inverse(outputs)],
                [inverse(inputs), *inner, outputs],
                [inputs, *inner, inverse(outputs)],
            ],
            "position taken for the degree": [
                [places(inputs), *inner, places(outputs)],
                [places(inputs), *inner, outputs],
                [inputs, *inner, places(outputs)],
                [inputs, *map(places, inner), outputs],
                [places(v) for v in degrees],
            ],
            "degrees of the inputs taken for those of the outputs": [
                [inputs, *inner, inputs.repeat(len(outputs) // d + 1)[: len(outputs)]],
            ],
            "degrees of hidden units clipped": [
                [inputs, *(v.clamp(a, b) for v in inner), outputs]
                for a in (-99, 0, 1) for b in (d - 1, d, 99)
            ],
        }  # fmt: skip
        for name, lists in ways.items():
            for v in lists:
                yield name, due(v)
        yield "everything seen", [torch.ones_like(v) for v in right]
        shares = [v / v.sum(1, keepdim=True).clamp(min=1) for v in right]
        yield "rows normalized", shares

    def same(a, b):
        return all(torch.equal(v, w) for v, w in zip(a, b))

    kept: list = []

    def judged(*degrees):
        degrees = list(degrees)
        before = [v.clone() for v in degrees]
        out = t.call(made, degrees)
        left = len(degrees) == len(before) and same(degrees, before)
        t.true(left, "The degrees as they were.", "They changed.", "degrees changed")
        due_masks, name = due(degrees), "another number of masks"
        listed = isinstance(out, list | tuple)
        got = f"an object of type {type(out).__name__}"
        t.true(listed, "A list of masks.", got, name)
        n = len(due_masks)
        t.true(len(out) == n, f"{n} masks for {n + 1} layers.", f"{len(out)}", name)
        for i, (v, due_mask) in enumerate(zip(out, due_masks)):
            why = f"of mask {i + 1}: a row for each unit above."
            ideas = {"above and below exchanged": tuple(due_mask.T.shape)}
            t.shape(v, due_mask.shape, why, ideas=ideas)
            t.dtype(v, torch.float32, "1 and 0 as numbers.")
        found = [t.tensor(v).detach() for v in out]
        if same(found, due_masks):
            kept.append(due_masks)
            return
        i = next(i for i, (a, b) in enumerate(zip(found, due_masks)) if (a != b).any())
        fits = (k for k, v in rivals(degrees) if same(found, v))
        name = next(fits, None)
        if len(kept) and any(
            [v.shape for v in k] == [v.shape for v in found] and same(k, found)
            for k in kept
        ):
            name = "result of an earlier call"
        why = f"Mask {i + 1} of {n}: what each unit above may see."
        t.equal(found[i], due_masks[i], why, name)

    def outputs(n, d):
        v = t.integers(n, low=1, high=d)
        v[:d] = order(d)[: len(v[:d])]
        return v

    t.property("one hidden layer: two masks, (above, below)")
    for _ in range(4):
        judged(order(5), hidden(8, 5), order(5))
    t.property("two hidden layers and three")
    judged(order(6), hidden(9, 6), hidden(7, 6), order(6))
    judged(order(4), hidden(5, 4), hidden(8, 4), hidden(6, 4), order(4))
    t.property("no hidden layer")
    judged(order(5), order(5))
    t.property("more outputs than inputs, or fewer")
    judged(order(4), hidden(7, 4), outputs(9, 4))
    judged(order(4), hidden(6, 4), hidden(5, 4), outputs(8, 4))
    judged(order(5), hidden(7, 5), outputs(3, 5))
    judged(order(3), outputs(5, 3))
    t.property("hidden units of any degree")
    for low, high in ((-1, 1), (5, 8), (-2, 8)):
        some = t.integers(6, low=low, high=high)
        some[:2] = torch.tensor([low, high])
        judged(order(5), some, hidden(7, 5), order(5))
        judged(order(5), hidden(7, 5), some, order(5))
    t.property("layers of a single unit")
    one = torch.ones(1, dtype=torch.long)
    judged(one, one, one)
    judged(one, one)
    judged(order(3), one, order(3))
    judged(order(3), 2 * one, 2 * one, 3 * one)
    t.property("large layers")
    judged(order(60), hidden(150, 60), hidden(130, 60), outputs(90, 60))
