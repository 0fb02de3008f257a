"""Versions of exercise ae-14."""


class Ae14:
    """What a reader is likely to find. The error divided by the energy of the image
    mends classes that are dark, and harms others. The Mahalanobis distance of the
    code catches clothes whose parts are known but whose combination is not; a low
    error together with a far code is the mark of an interpolation. The uncertainty of
    a classifier of the known classes is strong where the left-out class lies between
    two of them, and blind where it resembles one: a shirt is a T-shirt to it, and to
    many people. Choosing the best of ten scores by their AUC on the left-out class is
    fitting to the test; choose on pairs of known classes, by leaving out a second one.
    The shirt stays hard for every score, since its images overlap with those of three
    other classes: no score of the image alone can tell what the label does not say."""
