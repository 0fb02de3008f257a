"""Versions of exercise gan-30."""


class Gan30:
    r"""
    Our runs: ten seeds, two hidden layers of 32 units (SiLU), 2,000 steps of either
    player with Adam (a rate of 3e-3 that falls to zero in the second half, betas 0.5
    and 0.99), batches of 96, circles of weight 1, no identity terms, and a penalty of
    0.1 on the critics' slopes at real points. A run counts as settled if the energy
    distance of $G(a)$ to B exceeds that of two sets of B by less than 0.006, which was
    the noise of it. The columns count the settled runs that are the true translation
    (an error below 0.15), the true one and a turn or mirror, or something else.

    | cloud, begun | settled | true | turned or mirrored | else | error | circle |
    |---|---|---|---|---|---|---|
    | islands, near the identity | 10 | 10 | 0 | 0 | 0.04 to 0.05 | 0.001 to 0.002 |
    | islands, plain | 1 | 1 | 0 | 0 | 0.02 to 1.93 | 0.001 to 0.013 |
    | the same, no circles, near | 2 | 2 | 0 | 0 | 0.06 to 0.20 | 0.15 to 0.80 |
    | the same, no circles, plain | 0 | 0 | 0 | 0 | 0.13 to 1.96 | 0.23 to 1.83 |
    | rectangle, near | 10 | 10 | 0 | 0 | 0.09 to 0.11 | 0.002 to 0.003 |
    | rectangle, plain | 10 | 2 | 6 | 2 | 0.02 to 1.85 | 0.001 to 0.002 |
    | disc, near | 10 | 0 | 10 | 0 | 0.64 to 0.65 | 0.000 to 0.001 |
    | disc, plain | 10 | 0 | 10 | 0 | 0.22 to 1.89 | 0.001 to 0.002 |
    | islands, 140°, near | 0 | 0 | 0 | 0 | 1.68 to 1.72 | 0.007 to 0.017 |
    | rectangle, 140°, near | 10 | 0 | 10 | 0 | 1.84 to 1.85 | 0.002 |

    **The circle** is closed to a hundredth or two of the spread in every run that has
    it, the right ones and the wrong ones: it tells nothing of the pairs. It asks for
    maps that can be undone, and any pairing can be. Without it the maps tear: circles
    are off by 0.15 to 1.8.

    **The distribution** tells what it can. Of the turns and mirrors of all islands at
    once only $T$ is left when it fits (each could still be turned about its own middle,
    at no loss; no run did): nine plain runs matched islands that do not belong
    together, closed the circle and stayed at energy distances of 0.007 to 0.28 above
    those of two sets of B. Five of these, at 0.007 to 0.015, are near the noise: a
    picture would not tell. The rectangle has four turns and mirrors that fit alike, and
    the plain runs met all of them: the true one twice, half a turn twice, the mirrors
    two times each. Two more found maps that are neither, 0.6 spreads from the nearest,
    with a distribution as good as any: smooth maps that keep an even density are many
    more than four.

    **Where it began** decided the rest. Near the identity all ten seeds of the
    rectangle found the truth, as 40° is nearer to 0° than the other three maps are. It
    was no knowledge of the pairs: turned by 140°, all ten found the turn by -40°, which
    is nearest now, and wrong by half a turn, at the same losses. The disc, begun near
    the identity, was not turned at all: 40° off in each run, which costs nothing. And
    the islands turned by 140° stayed at a matching of wrong islands, where the
    distribution would have told, and no small step was better. Without circles the
    islands begun near the identity came nearer to $T$ than nine of the ten plain runs
    with circles.

    So a CycleGAN finds pairs where the clouds leave one map among those that the
    networks come to, and where it begins near enough to it. Of photographs nobody knows
    whether they leave one. Generators that begin by copying their input, and identity
    terms, look like details of training; they are an assumption, that the pairs are
    those that change least.
    """
