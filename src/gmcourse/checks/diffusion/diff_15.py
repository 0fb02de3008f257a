"""Exercise diff-15: When may a network be wrong?"""

from .._exercise import Exercise

Exercise(
    id="diff-15",
    title="When may a network be wrong?",
    difficulty=4,
    minutes=90,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Find out by experiment at which times an error of the denoiser harms the "
        "draws, in what respect, and what the sampler makes of it.",
    ),
    statement=r"""
A network has to be right at all amounts of noise, but it is not equally right at all,
and a budget has to be spent somewhere. Where does an error harm? With a distribution
whose exact denoiser is known, errors can be put wherever one likes. This exercise has
no right answer; it has good reports.

**The setting.** A `GaussianMixture` on the plane with three components of different
weights and widths (that of this chapter will do), and its exact denoiser, by Tweedie's
formula. The wrong denoiser is the exact one of *another* mixture: the same means, other
widths, other weights. Divide the range of $\sigma / \alpha$ from 0.002 to 80 into six
windows or more. In one of them at a time the sampler is given the wrong denoiser, and
the right one everywhere else. Take so many steps that more change nothing.

**Two harms**, at least. By how many nats the mean of $-\log p$ over the draws misses
the entropy; and how far the shares of the components among the draws (their mean
`responsibilities`) are from the weights, for instance half the sum of the absolute
differences.

Report on one page:

1. a table: windows by rows, both harms by columns, the range over five seeds; with the
   row of no error, and that of errors everywhere;
2. which property of a draw is decided in which window, and why there: compare
   $\sigma / \alpha$ with distances and widths of the mixture;
3. the same with `ancestral` in place of `ddim`. Which errors does the noise of the
   sampler mend, which not, and what decides that?
4. what (10.7) says that an error in each window costs of the bound, in nats, and
   whether the order of the windows is that of your table;
5. a distribution of training times, of your own, for the harm that you care for most:
   train a small network with it and with uniform times, three seeds each;
6. one claim of yours that a reader could overturn with another mixture, and which.

A report is right if every claim names its numbers, and if no difference is called one
that is smaller than the range over the seeds.
""",
    stub="",
    hints=(
        "A denoiser for a sampler is a function of `x` and `t`: look up "
        "`path.at(t)`, and ask one of two others.",
        "Item 3: with $\\eta = 1$ the estimate of the noise is thrown away in part at "
        "each step. What was wrong long ago is then in $x_t$ no more, unless it has "
        "moved the point to another component.",
        "Item 4: the squared difference of both denoisers on noisy data, over "
        "$2 (\\sigma / \\alpha)^2$, integrated over $\\lambda$; the cross term has the "
        "mean 0, as the right one is a conditional mean.",
    ),
)
