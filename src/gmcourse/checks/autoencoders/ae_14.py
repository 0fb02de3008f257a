"""Exercise ae-14: A better alarm."""

from .._exercise import Exercise

Exercise(
    id="ae-14",
    title="A better alarm",
    difficulty=4,
    minutes=120,
    compute="cpu-10min",
    points=0,
    objectives=(
        "Choose, defend and measure an anomaly score without fitting it to the test.",
    ),
    statement=r"""
In [Alarms](#alarms) the reconstruction error raised alarms for some left-out classes
and missed others. Find a score that does better on average over the ten classes,
without having seen a single example of the class that is left out, neither for
training nor for choosing among your scores.

Ideas to begin with: the error divided by something that predicts it; the distance of
the code to the codes of training images, or its density under a fitted Gaussian; the
error of a denoising autoencoder; a classifier of the nine known classes that is unsure.
Report the ten AUCs beside those of the table, their mean, and how you chose. Which
classes stay hard, and would a person find them?
""",
    stub="",
    hints=(),
)
