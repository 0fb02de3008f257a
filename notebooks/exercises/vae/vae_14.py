"""Versions of exercise vae-14."""


class Vae14:
    """
    There is no single right answer. Two things to look for in a report: whether the
    random direction of equal length was measured too (a large step in any direction
    changes something), and whether faces that already had the attribute were kept out
    of the count. Hair and skin color are carried by many pixels and move early;
    attributes of few pixels, such as the color of the eyes, cost little likelihood and
    may not be in the code at all: look at how well a linear classifier reads them from
    the codes before searching for a direction.
    """
