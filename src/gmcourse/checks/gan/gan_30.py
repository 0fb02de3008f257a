"""Exercise gan-30: Does a cycle find the pairs?"""

from .._exercise import Exercise

Exercise(
    id="gan-30",
    title="Does a cycle find the pairs?",
    difficulty=4,
    minutes=90,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Find out by experiment what pairs two unpaired sets: the loss, the data, or "
        "where the networks began.",
    ),
    statement=r"""
A CycleGAN is shown two sets without pairs, and often its translations look as if it had
been told. What told it? In the plane the true pairs are known to you, and a run takes
seconds.

A is a cloud of points with its mean at 0. B is the same cloud, turned by 40° and
stretched by 1.5; samples of the two are drawn independently. The true translation is
$T(a)$, $a$ turned and stretched. Three clouds:

- *islands*, without any symmetry: three Gaussians with the means (1.2, 0), (-0.6, 0.9)
  and (-0.6, -0.3), the deviations 0.15, 0.25, 0.1 and the weights 0.5, 0.3, 0.2, all
  moved so that the mean is 0;
- *rectangle*: even on $4 \times 2$, which two mirrors and half a turn leave as it is;
- *disc*: even on a disc of radius 1.5, which any turn and any mirror leaves as it is.

Train two generators and two critics, MLPs with two hidden layers, by least squares and
with the two circles as in [Exercise gan-26](#gan-26). Of each run report

- the error: the mean of $|G(a) - T(a)|$, divided by the spread of B (the root of the
  mean of $|b|^2$);
- the error of the circle, $|F(G(a)) - a|$, by the spread of A;
- how well $G(a)$ is distributed as B: the energy distance of 1,000 points to 1,000 of
  B, beside that of two such sets of B;
- the turn or mirror that is nearest to $G$: with $M = \sum b\, G(a)^\top$ over pairs
  $b = T(a)$ and $M = U S V^\top$ it is $U V^\top$. Its determinant tells a mirror.

Over ten seeds each:

1. the islands, with generators that begin near the identity, $G(x) = x + $ a net whose
   last layer begins at a tenth of its usual size, and with plain ones;
2. the same without the circles;
3. the rectangle and the disc, begun both ways;
4. the islands and the rectangle turned by 140° in place of 40°, begun near the
   identity.

Then say in half a page what a small loss, a small error of the circle and a good
distribution tell about the pairs, for which clouds, and what else had a part in the
runs that found them.

A report is right if for each claim it names the runs that could have shown otherwise.
""",
    stub="",
    hints=(
        "Ten seeds at once are one program: weights of shape `(10, n, m)`, a batch of "
        "shape `(10, b, n)`, and `torch.baddbmm`. The losses of the seeds are added, "
        "so no seed touches another.",
        "A run counts as settled if its distribution is about as near to B as another "
        "sample of B. Without that, no statement about pairs is due.",
        "Which maps leave the cloud B as it is? Each of them, after the true "
        "translation, has the same loss.",
    ),
)
