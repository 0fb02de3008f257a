"""Exercise gan-24: Which augmentations leak?"""

import numpy as np

from .._exercise import Exercise


@Exercise(
    id="gan-24",
    title="Which augmentations leak?",
    difficulty=4,
    minutes=35,
    compute="cpu-instant",
    points=5,
    objectives=(
        "Say of a random augmentation whether a generator can undo it, how much it "
        "costs, and how fast a control arrives there.",
    ),
    statement=r"""
Let the critic see nothing but augmented pictures, the data and the draws alike. A
random augmentation turns the distribution $p$ of pictures into another one, $Tp$, and
$T$ is linear. Where it can be inverted, $Tq = Tp$ holds for $q = p$ alone, and the
generator learns pictures that are not augmented
([Bora et al., 2018](https://openreview.net/forum?id=Hy7fDog0b)); where not, an
augmentation *leaks* ([Karras et al., 2020](https://arxiv.org/abs/2006.06676)). Where
all that is done is to exchange pictures of a finite set, $T$ is a matrix, and it cannot
be inverted if it has an eigenvalue 0. Take pictures that look different from each other
in all the ways in which they can be turned, mirrored or moved.

Give six numbers, to four significant digits:

- `turn`: with probability $p$ a picture is turned, by 90, 180 or 270 degrees, each as
  likely. The one $p$ with an eigenvalue 0.
- `ring`: pictures of 9 columns on a ring. With probability $p$ they are moved by one
  column, to the left or to the right, each as likely. The smallest $p$ with an
  eigenvalue 0.
- `least`: a picture is first mirrored with probability 0.3, then, with probability 0.7,
  turned by 0, 90, 180 or 270 degrees, each as likely. The smallest absolute value of
  any eigenvalue.
- `share`: pictures of shoes that point to the left or to the right, mirrored with
  probability 0.3. After it 44 % point to the left. The share that did before.
- `price`: that share is estimated, without bias, from $n$ mirrored pictures, of which
  one sees where they point, but not which of them were mirrored. By which factor is the
  variance of the estimate larger than it would be from $n$ pictures as they were?
- `images`: a control changes $p$ after each batch by (size of the batch)/500,000,
  upward if the critic overfits, downward if not. Starting from $p = 0$ it finds
  overfitting after 80 of 100 batches, the others evenly among them. The number of
  images until $p$ is 0.25.
""",
    stub="""
turn = ...  # the p with an eigenvalue 0
ring = ...  # the smallest p with an eigenvalue 0
least = ...  # the smallest absolute value of an eigenvalue
share = ...  # of pictures that point to the left
price = ...  # variance of the estimate, divided by that without mirroring
images = ...  # until p is 0.25
""",
    answers={
        "turn": float,
        "ring": float,
        "least": float,
        "share": float,
        "price": float,
        "images": float,
    },
    hints=(
        r"A step around a circle multiplies a wave by a phase: a quarter turn has the "
        r"eigenvalues $1, i, -1, -i$, a step of 9 columns $e^{2\pi i k / 9}$. $T$ is a "
        "mean of such moves.",
        "A mean over all four turns keeps what does not change when turned, and "
        "removes everything else. The eigenvalues of two gates whose matrices "
        "commute are products, but not all products need be there.",
        r"What is seen is $0.7\, s + 0.3\, (1 - s)$. An estimate of it has the "
        r"variance of a share; solving for $s$ multiplies its error by a constant.",
    ),
    misconceptions={
        "the gate of one coin": "p = 1/2 is the end where one move undoes itself. "
        "Three turns, or a ring of 9, are not of this kind.",
        "a quarter for each turn": "Each of the three turns has p/3, and to stay "
        "has 1 - p.",
        "phases of the moves": "An eigenvalue is 1 - p, plus p times the mean of the "
        "phases of the moves.",
        "chance to stay": "An eigenvalue counts the moves, too, each with its phase.",
        "another wave": "The eigenvalue falls the fastest for the wave whose sign "
        "changes the most often.",
        "p for each side": "p is the probability of both sides together.",
        "half of the cosine": "The two phases, each with p/2, add up to p cos.",
        "another length of the ring": "9 columns make 9 steps.",
        "the mirror alone": "Some vectors are changed by the turns as well.",
        "the turns alone": "Some vectors are changed by the mirror as well.",
        "turned by three": "The turn by 0 is one of the four: to stay has the "
        "probability 0.3 + 0.7/4.",
        "product of all eigenvalues": "The smallest of them is asked for, not the "
        "determinant.",
        "largest eigenvalue": "This one belongs to what the augmentation keeps.",
        "sum of the gates": "One gate follows the other: multiply their matrices.",
        "mirror taken for a loss": "A mirrored picture counts with -1, not with 0.",
        "p in place of 1 - p": "The mean over all turns removes what changes: what is "
        "left has the chance of no turn.",
        "share after mirroring": "This is what is seen.",
        "mirrored once more": "Solve for the share before: mirroring again goes the "
        "other way.",
        "mirrored pictures counted for one side": "Mirrored pictures come from both "
        "sides.",
        "share of the other side": "Those that point to the left are asked for.",
        "factor of the deviation": "A factor enters a variance by its square.",
        "other variance left out": "The share that is seen is another one than the "
        "share before, and so is the variance of one picture.",
        "variances turned around": "The variance of what is seen stands above, that of "
        "the pictures as they were below.",
        "the variance itself": "Divide by the variance without mirroring.",
        "pictures thrown away": "Nothing is thrown away, and nobody knows which "
        "pictures were mirrored.",
        "factor of the gate left out": "Solving for the share multiplies its error.",
        "always upward": "Every fifth batch takes a step back.",
        "steps back left out": "They take p down again.",
        "steps back alone": "Most steps go upward.",
        "multiplied in place of divided": "A slower walk takes longer.",
        "until p is 1": "It is asked for 0.25.",
        "thousands of images": "The number of images is due.",
    },
)
def gan_24(t, turn, ring, least, share, price, images):
    def moves(n, chances):
        """The matrix of a ring of n places, by the chance of each number of steps."""
        out = np.zeros((n, n))
        for steps, chance in chances.items():
            for start in range(n):
                out[(start + steps) % n, start] += chance
        return out

    def gone(move):
        """The smallest p for which (1 - p) + p · move has an eigenvalue 0."""
        low, high = 0.0, 1.0
        for _ in range(60):
            p = (low + high) / 2
            gate = (1 - p) * np.eye(len(move)) + p * move
            low, high = (p, high) if np.linalg.eigvalsh(gate).min() > 0 else (low, p)
        return low

    def orientations():
        """Mirror, then turn, as a matrix over the eight pictures made of one."""
        one = np.arange(9).reshape(3, 3)
        seen = [np.rot90(v, k).tobytes() for v in (one, one[:, ::-1]) for k in range(4)]
        mirror, spin = np.zeros((8, 8)), np.zeros((8, 8))
        for j, text in enumerate(seen):
            x = np.frombuffer(text, one.dtype).reshape(3, 3)
            for v, chance in ((x, 0.7), (x[:, ::-1], 0.3)):
                mirror[seen.index(v.tobytes()), j] += chance
            for k, chance in ((0, 0.3), *((k, 0.7 / 4) for k in range(4))):
                spin[seen.index(np.rot90(x, k).tobytes()), j] += chance
        return spin @ mirror

    def spread(weights, values):
        mean = weights @ values
        return weights @ (values - mean) ** 2

    third, half = dict.fromkeys((1, 2, 3), 1 / 3), dict.fromkeys((-1, 1), 0.5)
    turned = gone(moves(4, third))
    ringed = gone(moves(9, half))
    values = abs(np.linalg.eigvals(orientations()))
    flip = np.array([[0.7, 0.3], [0.3, 0.7]])
    before = np.linalg.inv(flip) @ [0.44, 0.56]
    # The unbiased estimate: what each picture that is seen counts for.
    counts = np.linalg.inv(flip).T @ [1.0, 0.0]
    plain = spread(before, np.array([1.0, 0.0]))
    paid = spread(flip @ before, counts) / plain
    p, walked = 0, 0
    while p < 125_000:  # one image a batch; p in units of 1/500,000
        p, walked = p + (1, 1, -1, 1, 1)[walked % 5], walked + 1
    dues = turned, ringed, values.min(), before[0], paid, walked

    def told(name, got, due, why, ideas):
        others = [v for v in dues if v != due]
        t.number(name, got, due, why, ideas, others=others)

    why = "The matrix of the four positions, and where its smallest eigenvalue is 0."
    ideas = {
        "the gate of one coin": 0.5,
        "a quarter for each turn": 1.0,
        "chance to stay": 0.25,
        "phases of the moves": [2 / 3, 0.6, 1 / 3],
    }
    told("three turns", turn, turned, why, ideas)

    why = "The 9 by 9 matrix of the ring, and where its smallest eigenvalue is 0."
    wave = np.cos(2 * np.pi * np.arange(9) / 9)
    ideas = {
        "the gate of one coin": 0.5,
        "another wave": [2 / 3, 1 / (1 - wave[2]), 1 / (1 - wave[1])],
        "phases of the moves": [0.5 / -wave[4], -wave[4], 1 / (2 - wave[4])],
        "p for each side": ringed / 2,
        "half of the cosine": 1 / (1 - wave[4] / 2),
        "chance to stay": [1 - ringed, 1 / 3],
        "another length of the ring": [gone(moves(n, half)) for n in (3, 5, 7, 11)],
    }
    told("the ring", ring, ringed, why, ideas)

    why = "The smallest of the matrix over the eight positions."
    ideas = {
        "the mirror alone": 0.4,
        "the turns alone": 0.3,
        "turned by three": [0.4 * (1 - 4 * 0.7 / 3), 1 - 4 * 0.7 / 3],
        "product of all eigenvalues": [values.prod(), 0.4**4 * 0.3**6],
        "largest eigenvalue": 1.0,
        "sum of the gates": [0.35, 0.1],
        "p in place of 1 - p": [0.28, 0.49],
        "mirror taken for a loss": [0.7 * 0.3],
        "chance to stay": [0.7, 0.475, 0.7 * 0.475, 0.4 * 0.475, 0.7 / 4, 0.0525],
    }
    told("the smallest eigenvalue", least, values.min(), why, ideas)

    why = "From what is seen, by the inverse of a matrix of two by two."
    ideas = {
        "share after mirroring": 0.44,
        "mirrored once more": [0.44 * 0.7 + 0.56 * 0.3, 0.56 * 0.7 + 0.44 * 0.3],
        "mirrored pictures counted for one side": [0.2, 0.14, 0.44 / 0.7, 0.308, 1.1],
        "share of the other side": [0.65, 0.56],
    }
    told("the share before", share, before[0], why, ideas)

    why = "What each picture that is seen has to count for, and the variance of that."
    seen = 0.44 * 0.56
    ideas = {
        "other variance left out": 1 / 0.4**2,
        "factor of the deviation": [2.5, seen / plain / 0.4],
        "variances turned around": plain / seen / 0.4**2,
        "factor of the gate left out": [seen / plain, plain / seen],
        "the variance itself": [seen / 0.4**2, seen, plain / 0.4**2, plain],
        "pictures thrown away": [1 / 0.7, 1 / 0.3, 1 / 0.7**2, seen / plain / 0.7**2],
    }
    told("the price", price, paid, why, ideas)

    why = "Counted: four steps up and one down, again and again."
    ideas = {
        "always upward": 125_000,
        "steps back left out": 125_000 / 0.8,
        "steps back alone": 125_000 / 0.2,
        "multiplied in place of divided": [75_000, 100_000],
        "until p is 1": 500_000 / 0.6,
        "thousands of images": walked / 1000,
    }
    t.number("the images", images, walked, why, ideas, others=dues[:-1], tol=2e-3)
