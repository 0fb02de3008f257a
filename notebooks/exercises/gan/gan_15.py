"""Versions of exercise gan-15."""


class Gan15:
    """
    Our numbers, in percent of 500 draws. "Near" and "middle" are the shares nearer to
    the training set than the 1 % quantile and the median of real images held out; "of
    all" is the share whose nearest of 60,000 and 5,000 images is a training image;
    "subset" is the same for 5,000 and 5,000, the mean over five subsets, and the range.

    | draws, in pixels | near | middle | of all | subset |
    |---|---|---|---|---|
    | real | 1.4 | 53 | 93 | 51 (49 to 52) |
    | copies | 100 | 100 | 100 | 54 (51 to 56) |
    | copies moved by a pixel | 0 | 26 | 97 | 51 (51 to 52) |
    | copies with noise | 0 | 100 | 100 | 54 (50 to 59) |
    | a tenth copies | 10.8 | 63 | 93 | 53 (52 to 54) |
    | VAE | 0 | 4 | 92 | 51 (50 to 53) |
    | GAN | 0 | 5 | 92 | 49 (46 to 52) |

    | draws, in features | near | middle | of all | subset |
    |---|---|---|---|---|
    | real | 0.6 | 56 | 94 | 52 (47 to 56) |
    | copies | 100 | 100 | 100 | 53 (50 to 58) |
    | copies moved by a pixel | 0 | 41 | 95 | 50 (47 to 52) |
    | copies with noise | 0 | 26 | 95 | 53 (52 to 55) |
    | a tenth copies | 10.4 | 62 | 94 | 52 (51 to 54) |
    | VAE | 0 | 2 | 92 | 53 (50 to 56) |
    | GAN | 0 | 3 | 91 | 50 (48 to 51) |

    What is due in the third column is 60/65, 92.3 %. The subset sees nothing: not even
    the sampler that does nothing but copy is told from real images with certainty, for
    one copy in twelve has its original among the 5,000. A test that passes proves
    little until it has failed where it should.

    No one column sees all. The limit at 1 % finds exact copies, also a tenth of them,
    and is blind to a move of one pixel or a little noise. The median finds noise in
    pixels, and in features takes the same copies for *farther* than real images: the
    judge's features are no safer. "Of all" finds the noisy ones in pixels, and moved
    ones barely: 97 % where real images have 93 %, with a standard error of 1.

    The smallest pixel distance over nine moves, with limits from real images that were
    moved the same way, 200 draws:

    | draws | near | middle |
    |---|---|---|
    | real | 1 | 58 |
    | copies moved by a pixel | 100 | 100 |
    | copies with noise | 0 | 100 |
    | VAE | 0 | 4 |
    | GAN | 0 | 6 |
    | a small GAN of fully connected layers, 2,000 steps | 0 | 0 |

    So these models do not copy images up to a pixel's move, or do so in few draws of a
    hundred: of 500 real images 13 or more would be near by chance about four times in a
    hundred, since the limit comes from 500 images, too. Of copies with noise the limit
    says nothing, and the middle only that most draws are none. But neither is a proof
    of anything better. All lie *farther* from the training images than real ones do, as
    any model with visible faults would, and a draw that is far from all images can
    still be a copy of half of one.
    """
