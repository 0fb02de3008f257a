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
The chapter added one direction to the codes of faces and counted what happened.
Choose another attribute of `pixelfaces` (`info.columns` lists seventeen: hair, skin
color, eyes, clothing, background ...) and find out whether a direction for it exists
in the codes of `zoo.load("vae-pixelfaces")`. Report on one page:

1. how the direction was found (difference of means, a linear classifier, a regression)
   and on which faces it was tested;
2. how often the attribute appears at each dose, judged by something other than your
   eyes, with the judge's own error rate;
3. what else changed, and the same numbers for a random direction of the same length;
4. one attribute for which it fails, with a hypothesis and an experiment that could
   prove the hypothesis wrong.
""",
    stub="",
    hints=(
        "Begin with how well a linear classifier reads the attribute from the codes: "
        "what is not in the code cannot be moved in it.",
        "A judge is needed that was not used to find the direction: train a small "
        "classifier on the pixels of the training faces.",
    ),
)
