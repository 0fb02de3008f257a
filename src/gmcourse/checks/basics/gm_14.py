"""Exercise gm-14: What would you believe?"""

from .._exercise import Exercise

gm_14 = Exercise(
    id="gm-14",
    title="What would you believe?",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=("Choose a measure by the use, and know how it can be fooled.",),
    statement=r"""
Take data from a field that you know: sensor readings, sentences, X-rays, songs,
orders in a shop. Somebody offers you a generative model of them.

1. Name one use in which you would *draw* from it, one in which you would *score*, and
   one in which you would *condition*.
2. For one of the three, say which single number you would ask for, on which data, and
   what its floor is.
3. Construct a model that has an excellent value of your number and is useless for your
   purpose. (The chapter's one-percent model and memorizer are two recipes; find one
   that fits your number.)
4. Add the cheapest second measurement that would have exposed it.

Half a page. Exchange it with somebody and try to fool each other's pair of numbers.
""",
    stub="",
    hints=(
        "For 3, start from what your number does not look at: coverage, copies, the "
        "tails, dependence between parts, the units.",
        "For 4, a picture of samples, distances to the nearest training example, and a "
        "test on a group that the average hides are all cheap.",
    ),
)
