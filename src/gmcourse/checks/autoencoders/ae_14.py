"""Exercise ae-14: A better alarm."""

from .._exercise import Exercise

Exercise(
    id="ae-14",
    title="A better alarm",
    difficulty=4,
    minutes=120,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Choose, defend and measure an anomaly score without fitting it to the test.",
    ),
    statement=r"""
In [Alarms](#alarms) the reconstruction error raised alarms for some left-out classes
and missed others. Find a score that does better on average over the ten classes,
without having seen a single example of the class that is left out, neither for
training nor for choosing among your scores.

How can one choose without seeing it? Leave out a second class as well. Train on the
other eight, and keep apart some training images of theirs and of the second class: how
well does each score find the second class among them? What a score compares with, such
as the images among which a nearest neighbor is sought, leaves out both classes, too.
The model of a pair serves both of its classes, so 45 trainings are enough. For each
left-out class take the score that is best on average over the nine second classes, and
only then measure it on the test images, which are used for nothing else.

Ideas to begin with: the error divided by something that predicts it; the distance of
the code to the codes of training images, or its density under a fitted Gaussian; the
distance of the image itself to training images; a classifier of the nine known classes
that is unsure; a sum of the ranks of two scores. You are done when you have

1. the ten AUCs beside those of the table, and a mean of at least **0.72**;
2. at least four scores compared, one of which needs no network;
3. for each left-out class the table that decided, in which this class does not occur;
4. the spread of the mean over three seeds;
5. the two classes that stay hardest, with a reason, and a look at twenty images that
   were missed: would a person find them?
""",
    stub="",
    hints=(
        "A nearest neighbor does well here: the distance of an image to the nearest "
        "of 5,000 training images takes torch.cdist and no training. Find the nearest "
        "of each class once; the least over the classes allowed serves all 45 pairs.",
        "Scores that fail on different classes can be added once they are comparable: "
        "replace each by its rank among the images judged.",
        "Small networks suffice for the choice: 600 steps of a small autoencoder and "
        "1,000 of a classifier with one hidden layer, for each of the 45 pairs.",
    ),
)
