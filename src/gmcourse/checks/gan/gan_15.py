"""Exercise gan-15: Copies?"""

from .._exercise import Exercise

Exercise(
    id="gan-15",
    title="Copies?",
    difficulty=4,
    minutes=75,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Test whether a generator copies its training set, by a protocol that is "
        "itself put to the test.",
    ),
    statement=r"""
A generator could win the game by repeating the training set. Pages of pictures beside
their nearest training images are meant to show that it does not. Do they? Ask of every
protocol first what it says of a sampler that *does* copy.

The images are `gm.data.load("fashion_mnist", "train")` and `"test"`, in $[0, 1]$; the
distances are those of the pixels, and those of the 64 features
`judge.normalize(judge.trunk(x))` of `judge = zoo.load("classifier-fashion")`. The model
under test is `zoo.load("gan-fashion")`; beside it take `zoo.load("vae-fashion")`.

**First, numbers to reach.** Real images that were held out, 500 of them: about 1 % are
nearer to one of the 60,000 training images than the 1 % quantile of 500 other held-out
ones. Exact copies of training images: all of them.

Then report on one page, for 500 draws of each of

- real images held out,
- exact copies; copies moved by one pixel; copies with noise of 0.1,
- one tenth copies, the rest held out,
- the models:

1. the share that is nearer to the training set than the 1 % quantile, and than the
   median, of real images held out, in pixels and in features;
2. the share whose nearest image, among all 60,000 training images and 5,000 held out,
   is a training image: what is due without copying?
3. the same with a random 5,000 of the training images in place of all, over five
   subsets;
4. a protocol of your own that tells the moved copies from the real images, and what it
   says of the models;
5. how many copies in a hundred your protocol would have to meet to notice them, with
   500 draws.

A report is right if it says, for each protocol, which of the copying samplers it
notices and which it does not, and claims of the models no more than that.
""",
    stub="",
    hints=(
        "Nearest distances of many: `torch.cdist` of a part of the training set at a "
        "time, and `amin`. Items 1 to 3 need no more than these.",
        "Item 3: with which probability is the image that was copied in the subset?",
        "Item 4: what was moved can be moved back. Take the smallest distance over a "
        "few moves, of the real images as of the others: each control goes through all "
        "that the draws go through.",
    ),
)
