"""Versions of exercise vae-14."""


class Vae14:
    """
    What to look for in a report. Glasses and hat change the most changed pixel by
    nearly the whole range at dose 2; the beard by less than a tenth of it, although the
    judge then sees a beard in nine of ten faces, and in reconstructions of truly
    bearded faces only in half. So the judge reacts to something that is hardly a beard:
    a count is as good as its judge. A random direction of the same length takes the
    skin color from about a third of the faces in the mean, and from none or nearly all
    in single cases: one random direction is no control, and what the beard's direction
    does to the skin is well inside their range. The skin color itself and the
    background can be read from the code, far better than by guessing; the color of the
    eyes hardly.
    """
