"""Exercise vae-14: A direction that fails."""

from .._exercise import Exercise

Exercise(
    id="vae-14",
    title="A direction that fails",
    difficulty=4,
    minutes=60,
    compute="cpu-10min",
    points=6,
    objectives=("Test a claim about a latent space with a measurement of one's own.",),
    statement=r"""
Add to the code of a face the mean code of faces with glasses minus that of faces
without, decode, and there are glasses. Pictures of this kind are usually chosen. Count
instead, in the codes of `zoo.load("vae-pixelfaces")`, which knows no labels.

The faces are `gm.data.load("pixelfaces", "train")` and `"test"`. Their `c` holds bits:
1 for glasses, 2 for a hat, 4 for a beard. `faces.attribute(name)` gives the value of
each face, as a whole number, for one of the seventeen attributes in
`faces.info.columns`, and the names of the values.
`zoo.load("classifier-pixelfaces")` is a judge: of images in $[0, 1]$ it gives a pair of
logits, of the eight values of `c` and of the eight of `skinColor`.

In all that follows a direction is the mean code (of the means of q) of those among the
first 3,000 training faces that have the attribute minus that of those that have not;
it is added once and twice, at dose 1 and 2, to the codes of the first 150 plain test
faces (`c == 0`).

**First, a number to reach.** The judge sees glasses in all of the 150 at either dose,
and in none at dose 0.

Then report on one page, for hat, beard and two skin colors, the first and the fourth:

1. how often the judge sees it in the test faces that have it, and in reconstructions of
   them;
2. how often it sees it in the 150 at doses 0, 1 and 2, and how often it sees what
   should stay as it does at dose 0: the skin color where a hat or a beard is added, `c`
   where the skin is changed;
3. the same at dose 2 for 20 random directions, each scaled to the length of yours: mean
   and range;
4. by how much the most changed value of the image differs from dose 0, in the mean over
   the faces;
5. for one attribute whose direction does not bring it about, a hypothesis, and an
   experiment that could prove the hypothesis wrong.

A report is right if it says, for each claim, which of these numbers supports it, and
names at least one case in which the judge and the pixels disagree.
""",
    stub="",
    hints=(
        "Begin with how well a linear classifier (least squares on one-hot values) "
        "reads the attribute from the codes of test faces, beside the share of the "
        "most frequent value: what is not in the code cannot be moved in it.",
        "The mean code of faces with the attribute is `codes[has].mean(0)`. For the "
        "random directions: `torch.randn`, divided by its norm, times the norm of "
        "yours.",
        "Item 5: which skin colors does the judge see at dose 2? Where does the mean "
        "code of the fourth lie among those of the eight?",
    ),
)
