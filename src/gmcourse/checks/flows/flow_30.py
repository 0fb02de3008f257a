"""Exercise flow-30: Where does the time go?"""

from .._exercise import Exercise

Exercise(
    id="flow-30",
    title="Where does the time go?",
    difficulty=4,
    minutes=90,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Measure what an adaptive solver pays for a field while it is trained, and "
        "separate what makes it pay from what merely comes along.",
    ),
    statement=r"""
An adaptive solver chooses its steps so that an estimate of the error in each stays
below a tolerance. What a continuous flow costs is then no longer a choice of ours: it
is a property of the field, and many papers report that it grows in training. This
exercise asks by how much, and why. It has no right answer; it has good reports.

**The setting.** The pinwheel of `gmcourse.data.densities`, and a `continuous_flow(2)`
that is trained by the likelihood through a few steps of `rk4`. Stop at six moments, the
first before any training, the last after the end, and solve the equation from
$t = 0$ to $1$ for the *same* 500 points by an adaptive method, such as `dopri5` of
`torchdiffeq` with `rtol` and `atol` of $10^{-5}$. A counter in the function that is
handed to the solver gives the number of evaluations.

**The ways of training.** (a) The likelihood alone. (b) With a penalty on
$\int \lVert v \rVert^2\, \mathrm dt$. (c) With that and one on
$\int \lVert \varepsilon^\top \partial v/\partial x \rVert^2\, \mathrm dt$
([Finlay et al., 2020](https://arxiv.org/abs/2002.02798)). (d) Conditional flow matching
with straight lines, the same net. And, if you like, one of your own.

**What comes along.** At each moment also: the nats above the truth, by a solver that is
fine enough; the mean of $\int \lVert v \rVert^2\, \mathrm dt$; the mean difference
between the log-densities by 4 steps and by 40.

Report on one page:

1. a table or a figure: evaluations against the *nats above the truth*, one curve for
   each way, mean and range over three seeds or more. Why not against the steps of
   training?
2. how the count changes with the tolerance, and which of your statements would be
   others at $10^{-3}$;
3. whose steps they are: solve for 20 of the points one by one and compare with the
   count for all 500 at once;
4. where on the way the steps are short (near the data, near the noise, or evenly), and
   a measurement that says why there;
5. for each penalty: what it saves at the *same* nats, not after the same steps, and
   what it costs at the end of training;
6. one claim of yours that a reader could overturn with a sixth run, and the run.

A report is right if every claim names its numbers, and if no difference is called one
that is smaller than the range over the seeds.
""",
    stub="",
    hints=(
        "`dopri5` takes six new evaluations for each step that it tries, also for one "
        "that it then rejects, and a few at the beginning: counts come in sixes.",
        "The error estimate of a batch is one number for all of it: the most difficult "
        "point sets the step of all, up to the kind of mean that is taken. "
        "(`torchdiffeq` takes the root of the mean square over all values.)",
        "Item 4: count in which tenth of the time each evaluation falls. The steepest "
        "direction of the field, the largest singular value of its Jacobian, is a "
        "candidate for the cause; the speed and its change along the path are others.",
    ),
)
