"""Versions of exercise flow-30."""


class Flow30:
    r"""
    What three seeds of ours gave, from the least to the largest: short runs of a field
    with two layers of 32, so a beginning. Training through 4 steps of `rk4`, 300 steps
    of 128 points; matching, 3,000 steps of 256. Both penalties have the weight 0.05.
    The energy is the mean of $\int \lVert v \rVert^2\, \mathrm dt$; evaluations are
    those of `dopri5` at $10^{-5}$, for 500 points at once and for each of 12 alone.

    | way, at its end | nats | energy | 500 at once | one, median | one, most |
    |---|---|---|---|---|---|
    | before training | 1.86–2.07 | 0.03–0.12 | 20 | 20 | 20–26 |
    | (a) likelihood | 0.31–0.50 | 0.82–0.99 | 32–38 | 32–44 | 38–56 |
    | (b) and the energy | 0.34–0.50 | 0.78–0.84 | 38 | 38 | 38–50 |
    | (c) and the Jacobian | 0.55–0.73 | 0.57–0.65 | 32–38 | 32–38 | 38–44 |
    | (d) matching | 0.78–0.91 | 1.89–1.92 | 32–44 | 38–50 | 44–56 |

    **It grows**, from 20 to 32–38 with the likelihood. But a step of `dopri5` is six
    evaluations: these are two or three steps more, and a difference of six is one step.

    **At the same nats the order is another.** Near 1.0 nats (0.93–1.06) the likelihood
    is there after 75 steps with 20 evaluations and an energy of 0.61–0.64, matching
    after 750 with 32–38 and 1.78–1.92. The mean of straight lines is not straight: the
    points of a pinwheel and their noise are drawn independently, and each path first
    goes toward the middle of all noise. (c) needs 32–38 for 0.55–0.73 nats, and (a) had
    32 when it passed 0.59–0.75, after half of its steps: the Jacobian's penalty slowed
    the training, and saved nothing that we could measure. Nor did that on the energy,
    which it lowered by 5 to 15 %.

    **The tolerance matters.** At $10^{-3}$ (a) goes from 14 to 26–32, and (d) from 14
    to 20–26: at their ends matching is now the cheaper one, though at other nats.

    **A batch is cheaper than its points.** In 11 of the 12 runs the median point asks,
    alone, for as much as all 500 at once or more, and the worst of 12 for up to 18
    more. The error of the batch is a root mean square over all its values: in a batch a
    difficult point is solved less exactly than alone. So the tolerance is no promise
    for each point, and its density depends a little on the batch that it is in.

    What our runs do not show: item 4 is missing; all of them end far above the 0.07
    nats that flow-29 reaches, where penalties may pay; and we tried one weight. The run
    that could overturn most of this is (c) at a tenth of the weight, ten times as long.
    """
