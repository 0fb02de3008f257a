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
1 for glasses, 2 for a hat, 4 for a beard. `faces.attribute(name)` gives the codes of
one of the seventeen attributes in `faces.info.columns`, and the names of its values.
`zoo.load("classifier-pixelfaces")` is a judge: it gives logits of the label `c` and of
the skin color.

**First, a number to reach.** Direction of glasses from the codes (means of q) of the
first 3,000 training faces, added once and twice to the codes of the first 150 plain
test faces (`c == 0`): the judge sees glasses in all of them at either dose, and in none
at dose 0.

Then report on one page, for hat, beard and one attribute of your choice:

1. the judge's accuracy on real test faces that have the attribute, and on
   reconstructions of them;
2. how often the attribute appears at doses 0, 1 and 2, and how often the skin keeps
   its color;
3. the same for 20 random directions, each scaled to the length of yours: mean and
   range;
4. by how much the most changed pixel changes, in the mean over faces;
5. one attribute for which it fails, with a hypothesis and an experiment that could
   prove the hypothesis wrong.

A report is right if it says, for each claim, which of these numbers supports it, and
names at least one case in which the judge and the pixels disagree.
""",
    stub="",
    hints=(
        "Begin with how well a linear classifier (least squares on one-hot values) "
        "reads the attribute from the codes of test faces, beside the share of the "
        "most frequent value: what is not in the code cannot be moved in it.",
        "The mean code of faces with the attribute is codes[has].mean(0). For the "
        "random directions: torch.randn, divided by its norm, times the norm of yours.",
        "Look at the beard: how often the judge sees it in reconstructions of bearded "
        "faces, and how much any pixel changes at dose 2.",
    ),
)
