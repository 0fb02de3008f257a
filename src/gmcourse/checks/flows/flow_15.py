"""Exercise flow-15: What is strange to a flow?"""

from .._exercise import Exercise

Exercise(
    id="flow-15",
    title="What is strange to a flow?",
    difficulty=4,
    minutes=90,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Test a score for anomalies against controls that need no density at all, in "
        "both directions, and say what it has really found.",
    ),
    statement=r"""
A flow gives the exact density of every image. So what is unlikely is strange? A flow of
clothes gives images of *digits* a higher density than clothes of its own test set
([Nalisnick et al., 2019](https://arxiv.org/abs/1810.09136)). Scores that mend this have
been proposed since, each shown on some pairs of data sets. This exercise has no right
answer; it has good reports.

**The data.** Clothes (`fashion_mnist`) and digits (`mnist`), in a frame of two pixels
and reduced to 16 × 16 by means of 2 × 2; noise of one level is added before the flow.
Train a small `glow` on the clothes, and one on the digits. Of each keep 2,000 test
images as a reference, and 2,000 *others* of its own test set. A score is judged by the
AUC, the share of pairs in which the strange image has the higher score than the one of
the reference; 0.5 is chance, and 0 is as clear as 1.

**The strange.** 1. the other data set; 2. the own images upside down; 3. with half the
contrast; 4. images of one gray each; 5. noise, each pixel at random. And, for a first
control, the 2,000 others of the same kind, at which every score must stay near 0.5.

**The scores.** (a) $-\log p(x)$. (b) The distance of $\log p(x)$ from its mean in
training. (c) $-\log p(x)$ minus the number of bits, in nats, to which a compressor
brings the image ([Serrà et al., 2020](https://arxiv.org/abs/1909.11480)). (d) The ratio
to a second flow, trained on images of which a share of the pixels was replaced at
random ([Ren et al., 2019](https://arxiv.org/abs/1906.02845)). And one of your own.

**The controls.** Scores without a density: the length of the compressed image alone, of
either sign; the mean brightness, of either sign; the squared error left by 32 principal
components.

Report on one page:

1. the table of the AUC of all scores on all strange sets, in both directions (clothes,
   digits), mean and range over three seeds or more of the flow;
2. for each score that finds something: the simplest control that finds it as well;
3. why digits are likely: a measurement that tells statistics of neighboring pixels from
   what is shown ([Kirichenko et al., 2020](https://arxiv.org/abs/2006.08545) say that
   couplings learn the first);
4. which choice you made after looking at a strange set (a share of replaced pixels, a
   compressor, a threshold), and what the table is worth without it;
5. one claim of the four papers that your numbers support, and one that they do not.

A report is right if every claim names its numbers and the control that could have
explained them, and if no score is called good for the one direction that it works in.
""",
    stub="",
    hints=(
        "`zlib.compress(image.numpy().tobytes(), 9)` is a compressor; its length times "
        "8 log 2 is a number of nats. Beside it belongs the probability of the 8-bit "
        "image: the log-density of its values in [0, 1] minus 256 log 256.",
        "Item 3: shuffle the pixels of all images by one permutation and train again; "
        "or exchange patches within an image; or compare with the density under "
        "independent differences of neighbors.",
        "Item 4: a score with a knob needs a third data set, to set it on. Which one "
        "have you not used?",
    ),
)
