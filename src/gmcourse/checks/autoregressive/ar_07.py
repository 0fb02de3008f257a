"""Exercise ar-07: A net that knows the answer."""

import contextlib

import torch
from torch import nn

from .._exercise import Exercise, Stop

NO_ROW = "vertical stack without its own row"
ITSELF = "the pixel itself carried along"
CUT = "cut off from the graph"


@Exercise(
    id="ar-07",
    title="A net that knows the answer",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=5,
    stub_mistake=ITSELF,
    objectives=(
        "Find what lets a network of two stacks see the pixel that it predicts, and "
        "what keeps it from seeing others.",
    ),
    statement=r"""
The class below is meant to give a logit for each pixel of an image, `(b, 1, h, w)` to
`(b, 1, h, w)`, from the pixels before it alone: those in the rows above, and those to
the left in its own row. It has two stacks of convolutions
([van den Oord et al., 2016](https://arxiv.org/abs/1606.05328)). The vertical one is for
the rows above; it passes what it found to the horizontal one, in each layer by a
convolution of 1 × 1, `link`. The horizontal one goes along the row, and the head reads
it.

It runs, and its loss gets smaller than any honest model's. It is wrong in **five
places**. Repair them, so that with $r$ = `reach` and $L$ = `depth`

- no output depends on its own pixel or on a later one: the derivatives are exactly 0;
- each output depends on *all* pixels before it that are at most $rL$ rows above it (or
  in its row) and at most $rL$ columns to its left or right. Whether it sees others that
  are before it is left open;
- no image of the batch has a part in the output of another one.

The arguments of `TwoStacks(width, depth, reach)`, all 1 or more, stay as they are, and
so do the names and shapes of the parameters, all of which are used. All this holds for
any values of the parameters: others are put in after the network is made. Images have
any height and width, also smaller than the reach and down to 1 × 1, and the network
works in float32 and, after `.double()`, in float64.
""",
    stub='''
class TwoStacks(nn.Module):
    """(b, 1, h, w) -> (b, 1, h, w): a logit for each pixel."""

    def __init__(self, width, depth, reach):
        super().__init__()
        self.reach, side = reach, 2 * reach + 1
        self.vertical, self.horizontal = nn.ModuleList(), nn.ModuleList()
        self.link = nn.ModuleList()
        for into in [1] + [width] * (depth - 1):
            self.vertical.append(nn.Conv2d(into, width, (reach + 1, side)))
            self.horizontal.append(nn.Conv2d(into, width, (1, reach + 1)))
            self.link.append(nn.Conv2d(width, width, 1))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        r, v, h = self.reach, x, x
        layers = zip(self.vertical, self.horizontal, self.link)
        for vertical, horizontal, link in layers:
            # Rows up to this one, and in them pixels on both sides.
            v = torch.tanh(vertical(F.pad(v, (r, r, 0, r))))
            # This row, up to this pixel.
            left = F.pad(h, (r, 0))
            h = h + torch.tanh(horizontal(left))
            v = v + link(h)
        return self.head(h)
''',
    answers={"TwoStacks": callable},
    hints=(
        "Let the network tell: with `x.requires_grad_()` the derivative of one output "
        "by the image is a map of what it sees. Set the weights of `link` to 0 and you "
        "see what the horizontal stack does alone.",
        "`F.pad` takes left, right, top, bottom. In the first layer `h` is the image "
        "itself: in which two ways does it get into the output at its own pixel?",
        "What the vertical stack has found at a pixel comes from its whole row, the "
        "pixels to the right among them. It is of use one row further down.",
    ),
    misconceptions={
        "parameters renamed or reshaped": "Names and shapes stay as they are: weights "
        "that were trained must fit.",
        "images of a batch mixed": "Each image is treated by itself.",
        ITSELF: "A residual connection of the first layer adds the image to its own "
        "features (its one channel is broadcast): the pixel is in the output even with "
        "all weights of the first layer at 0.",
        "first horizontal layer sees the pixel itself": "The features of later layers "
        "come from before the pixel, and may be seen in place; the image itself may "
        "not.",
        "horizontal stack looks to the right": "The padding makes of the kernel's "
        "last entry the pixel, or one to its right.",
        "vertical stack looks down": "Padding goes above, so that the last row of the "
        "kernel lies on the pixel's own.",
        "vertical stack not moved down": "Its features hold the pixel's own row: it "
        "has to pass those of the row above.",
        "moved around the edge": "roll() brings the last row or column to the "
        "beginning: what moves in must be zeros.",
        "another way to what comes later": "The stacks are right by themselves, and "
        "something else leads to the pixel or to later ones.",
        "rows above not heard of": "The link leads from the vertical stack to the "
        "horizontal one, which the head reads.",
        "row right above not seen": "Moved down by one row is enough.",
        "blind spot above to the right": "The rows above are seen on both sides: look "
        "at the kernel of the vertical stack, and at its padding.",
        "blind spot above to the left": "The rows above are seen on both sides: look "
        "at the padding of the vertical stack.",
        "rows above not seen far enough": "Each layer of the vertical stack adds its "
        "reach, upward and to both sides.",
        "own row not seen far enough": "Each layer of the horizontal stack adds its "
        "reach, which wants the features of the layer before.",
        NO_ROW: "The vertical stack may see its own row, on both sides of the pixel: "
        "its features are moved down once, on the way to the horizontal stack.",
        "padding repeats the border": "In the first column the copy is the pixel "
        "itself: pad with zeros.",
        "rows and columns exchanged": "An image is (b, 1, h, w): rows first.",
        "a width of one not met": "With width 1 the later layers have one channel, "
        "too: channels do not tell which layer is the first.",
        "small images not met": "An image may be smaller than the reach, down to one "
        "pixel.",
        "a single layer not met": "The depth may be 1.",
        "float64 not met": "What is made on the way has the type of the image.",
        "row to the left not seen": "The horizontal stack sees the pixels up to the "
        "one right before.",
        "reach too short": "Each layer adds its reach to that of the layers below.",
        "a parameter without use": "All parameters have a part in the output.",
    },
)
def ar_07(t, TwoStacks):
    def sizes(width, depth, reach):
        """The parameters' shapes by name."""
        found = {"head.weight": (1, width, 1, 1), "head.bias": (1,)}
        for i in range(depth):
            into = width if i else 1
            found |= {
                f"vertical.{i}.weight": (width, into, reach + 1, 2 * reach + 1),
                f"horizontal.{i}.weight": (width, into, 1, reach + 1),
                f"link.{i}.weight": (width, width, 1, 1),
            }
            names = "vertical", "horizontal", "link"
            found |= {f"{name}.{i}.bias": (width,) for name in names}
        return found

    def network(*how):
        net = t.call(TwoStacks, *how)
        got = f"an object of type {type(net).__name__}"
        name = "parameters renamed or reshaped"
        t.true(isinstance(net, nn.Module), "A network.", got, name)
        found, due = {k: tuple(p.shape) for k, p in net.named_parameters()}, sizes(*how)
        off = [k for k in {**due, **found} if found.get(k) != due.get(k)]
        got = f"{off[0]}: {found.get(off[0])}" if off else ""
        why = f"Those of the program that is to be repaired, {how}."
        t.true(not off, why, got, name)
        for p in net.parameters():
            fan = max(p[0].numel(), 1)
            fresh = t.away(*p.shape, low=0.3, high=0.9) / fan**0.5
            with torch.no_grad():
                p.copy_(fresh)
        return net.double()

    edge = None  # the name of what else may go wrong with a size

    def call(net, x):
        return t.edge(edge, net, x) if edge else t.call(net, x)

    def changed(net, x, rows, columns):
        """Where outputs differ after a change of some pixels."""
        out, other = t.tensor(call(net, x)).detach(), x.clone()
        other[:, :, rows, columns] += 1
        return (t.tensor(call(net, other)).detach() - out)[0, 0].abs() > 1e-12

    def image(*shape):
        return t.normal(*shape).double()

    def views(net, h, w, without=()):
        """(h·w, h·w): the size of d output / d pixel, some parameters at 0."""
        kept = {k: p.detach().clone() for k, p in net.named_parameters()}
        with torch.no_grad():
            for k, p in net.named_parameters():
                if k.startswith(without):
                    p.zero_()
        x = image(1, 1, h, w).expand(h * w, 1, h, w).clone().requires_grad_()
        out = t.tensor(call(net, x))
        t.shape(out, (h * w, 1, h, w), "one for each pixel.", edge or "wrong shape")
        out = out.reshape(h * w, h * w)
        t.true(out.requires_grad, "A graph.", "an output without one", CUT)
        slope = t.grad(out.diagonal(), x).flatten(1).abs()
        with torch.no_grad():
            for k, p in net.named_parameters():
                p.copy_(kept[k])
        return slope

    def where(h, w):
        """Rows and columns from each output, (h·w, 1), to each pixel."""
        place = torch.arange(h * w)
        i, j = place // w, place % w
        return i - i[:, None], j - j[:, None]

    def first_of(bad, w):
        o, p = bad.nonzero()[0].tolist()
        return f"({o // w}, {o % w})", f"({p // w}, {p % w})"

    def leaks(slope, h, w):
        rows, columns = where(h, w)
        later = (rows > 0) | ((rows == 0) & (columns >= 0))
        return later & (slope > 1e-14)

    def cause(net, bad, h, w, reach):
        """The name of a leak, by what is left of it without some parameters."""
        rows, columns = where(h, w)
        around = (rows > reach + 1) | ((rows == 0) & (columns > reach + 1))
        if not (bad & ~around).any():
            return "moved around the edge"
        own = (rows == 0) & (columns == 0) & (torch.arange(h * w)[:, None] % w == 0)
        if w > 1 and torch.equal(bad, own):
            return "padding repeats the border"
        unlinked = leaks(views(net, h, w, ("link",)), h, w)
        alone = leaks(views(net, h, w, ("link", "vertical")), h, w)
        if (alone & (rows > 0)).any() or (unlinked & ~alone).any():
            return "another way to what comes later"
        if (alone & (columns > 0)).any():
            return "horizontal stack looks to the right"
        if alone.any():
            others = "link", "vertical"
            still = views(net, h, w, (*others, "horizontal.0."))
            if leaks(still, h, w).any():
                return ITSELF
            later = tuple(f"horizontal.{i}." for i in range(1, len(net.link)))
            first = leaks(views(net, h, w, (*others, *later)), h, w)
            if first.any():
                return "first horizontal layer sees the pixel itself"
            return "horizontal stack looks to the right"
        if (bad & (rows > 0)).any():
            return "vertical stack looks down"
        along = leaks(views(net, h, w, ("horizontal",)), h, w)
        return "vertical stack not moved down" if along.any() else None

    def judged(net, depth, reach, h, w, told=None):
        slope, far = views(net, h, w), depth * reach
        bad, (rows, columns) = leaks(slope, h, w), where(h, w)
        if bad.any():
            turned = (columns < 0) | ((columns == 0) & (rows < 0))
            name, (o, p) = told or cause(net, bad, h, w, far), first_of(bad, w)
            if min(h, w) > 1 and not (turned < (slope > 1e-14)).any():
                name = "rows and columns exchanged"
            why = "It depends on no pixel that is not before it: a derivative of 0."
            slope = views(net, h, w)  # the call that is shown
            t.fail(name, why=why, got=f"the output at {o} depends on the pixel {p}")
        near = (rows >= -far) & (columns.abs() <= far)
        before = (rows < 0) | ((rows == 0) & (columns < 0))
        blind = near & before & ~(slope > 1e-14)
        if not blind.any():
            return
        seen = before & (slope > 1e-14)
        shown, x = t.shown, image(1, 1, h, w)
        o, p = first_of(blind, w)
        i, j = blind.nonzero()[0].tolist()
        name, own = "reach too short", not (blind & (rows < 0)).any()
        lower = near & (rows < 0) & (columns > -rows * reach)
        if changed(net, x, j // w, j % w)[i // w, i % w]:
            name = CUT
        elif h > 1 and not (seen & (rows < 0)).any():
            name = "rows above not heard of"
        elif (blind & (rows == 0) & (columns == -1)).any():
            name = "row to the left not seen"
        elif (blind & (rows == -1) & (columns == 0)).any():
            name = "row right above not seen"
        elif depth > 1 and torch.equal(blind, lower):
            name = NO_ROW
        elif not (blind & (columns <= 0)).any():
            name = "blind spot above to the right"
        elif not (blind & (columns >= 0)).any() and not own:
            name = "blind spot above to the left"
        elif own or not (blind & (rows == 0)).any():
            name = f"{'own row' if own else 'rows above'} not seen far enough"
        t.shown = shown
        why = f"It depends on all pixels before it that are {far} or less away."
        t.fail(told or name, why=why, got=f"the output at {o} does not depend on {p}")

    def begun(net, x):
        try:
            return t.steady(net, x)
        except Stop as stop:
            if stop.outcome != "error":
                raise
            error, shown = stop, t.shown
        with contextlib.suppress(Stop):
            t.call(net.float(), x.float())
            error = Stop("not yet", "float64 not met", expected="As in float32.",
                         got=error.lines["got"])  # fmt: skip
        t.shown = shown
        raise error

    t.property("a logit for each pixel, and the parameters as they were")
    net = network(3, 2, 1)
    x = image(2, 1, 5, 8)
    out = begun(net, x)
    t.shape(out, (2, 1, 5, 8), "one for each pixel.")
    with torch.no_grad():
        net.head.bias += 3
    more = t.tensor(t.call(net, x)).detach() - t.tensor(out).detach()
    bounded = (t.tensor(out) >= 0).all() and (t.tensor(out) <= 1).all()
    name = "probabilities in place of logits" if bounded else None
    name = name if more.any() else "result of an earlier call"
    t.close(more, 3.0, "The head's bias, larger by 3, moves each logit by 3.", name)
    t.property("each image by itself")
    x.requires_grad_()
    out = t.tensor(t.call(net, x))
    for i in (0, 1):
        other = t.grad(out[i], x)[1 - i]
        t.equal(other, 0.0, "The derivative is 0.", "images of a batch mixed")

    cases = (3, 2, 1, 8, 9), (2, 1, 2, 7, 10), (2, 3, 1, 9, 11)
    for width, depth, reach, h, w in cases:
        edge = "a single layer not met" if depth == 1 else None
        t.property(f"what is seen with depth {depth} and reach {reach}")
        judged(network(width, depth, reach), depth, reach, h, w)
    t.property("what is seen in images of one row, one column, one pixel")
    net, edge = network(2, 2, 2), "small images not met"
    for h, w in ((1, 7), (7, 1), (2, 2), (1, 1), (3, 2)):
        judged(net, 2, 2, h, w)
    t.property("a larger reach")
    edge = None
    judged(network(2, 2, 3), 2, 3, 9, 8)
    t.property("a width of one")
    edge, net = "a width of one not met", network(1, 2, 1)
    judged(net, 2, 1, 9, 8, edge)
    edge = None
    t.property("a changed pixel")
    for i, j in ((0, 0), (4, 3), (4, 7), (8, 0)):
        later = changed(net, image(1, 1, 9, 8), i, j).flatten()[: 8 * i + j + 1]
        why = "No output at this pixel or before it is another one then."
        t.true(not later.any(), why, f"the pixel {(i, j)} is heard of before", CUT)

    t.property("every parameter is used")
    net = network(2, 3, 1)
    x = image(3, 1, 6, 7)
    out = t.call(net, x)
    for name, p in net.named_parameters():
        used = t.grad(out, p, image(3, 1, 6, 7)).any()
        why, wrong = "The output depends on it.", "a parameter without use"
        t.true(used, why, f"{name} has the derivative 0", wrong)

    t.property("float32, a batch of one, the same at each call")
    again = t.call(net, x)
    t.close(again, t.tensor(out).detach(), "Nothing is drawn.", tol=1e-10)
    one = t.call(net, x[1:2])
    t.close(one, t.tensor(out).detach()[1:2], "As in the batch.", tol=1e-10)
    single = t.call(net.float(), x.float())
    t.dtype(single, torch.float32, "that of the image.")
    t.close(single, t.tensor(out).detach(), "As in float64.", tol=1e-4)
