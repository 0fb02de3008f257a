"""Versions of exercise gan-24."""

import math

import torch

from .. import build, edits, reference, right


class Gan24:
    r"""
    A gate does nothing with probability $1 - p$. Its matrix is $(1 - p) I + p M$ with
    $M$ what it does else, and each eigenvalue $\mu$ of $M$ becomes $1 - p\,(1 - \mu)$.
    The three turns give $\mu = \tfrac13 (i - 1 - i) = -\tfrac13$, so that
    $1 - \tfrac43 p$ is 0 at $\tfrac34$. There all four positions are equally likely. On
    the ring $\mu$ is $\cos(2\pi k / 9)$, the smallest for $k = 4$: with an odd number
    of columns no wave turns its sign at each step, and $p$ may be above a half.

    What a mean over four turns keeps is what does not change when turned: on this the
    mirror has the eigenvalues 1 and 0.4. All else it removes, and 0.3 are left, times
    1 or 0.4 again: the eigenvalues are 1, 0.4, 0.3 and 0.12, the last two three times
    each. With all four turns as likely, $1 - p$ never is 0 before $p = 1$: this is
    how such gates should be made, the move that does nothing among the moves.

    That a matrix can be inverted is not all. Its inverse multiplies errors by up to
    $1/|\lambda|$, and what is seen of a distribution is a finite set:

    | mirrored with probability | 0.1 | 0.2 | 0.3 | 0.4 | 0.45 |
    |---|---|---|---|---|---|
    | pictures needed for the same variance | 1.6 | 3.0 | 6.8 | 27 | 110 |

    The table is for a share of 0.35 before. A mirror with probability 0.45 does not
    leak, and takes 110 times the pictures. The control is slow on purpose: from 0 to
    0.25 are 208,333 images, and with overfitting after each batch 125,000.
    """

    @reference
    @build
    def by_hand():
        # Eigenvalues of a gate: 1 - p (1 - mu), with mu those of the move.
        mu = (1j - 1 - 1j) / 3
        turn = 1 / (1 - mu.real)
        mu = math.cos(2 * math.pi * 4 / 9)
        ring = 1 / (1 - mu)
        mirror, turns = 1 - 2 * 0.3, 1 - 0.7
        least = mirror * turns
        share = (0.44 - 0.3) / mirror
        price = 0.44 * 0.56 / mirror**2 / (share * (1 - share))
        images = 0.25 * 500_000 / (0.8 - 0.2)
        return turn, ring, least, share, price, images

    @right
    @build
    def rounded():
        return 0.75, 0.5155, 0.1200, 0.3500, 6.769, 208_300

    @right
    @build
    def by_eigenvalues():
        def gate(n, steps, p):
            eye = torch.eye(n, dtype=torch.float64)
            return (1 - p) * eye + p * sum(eye.roll(k, 0) for k in steps) / len(steps)

        def first(n, steps):
            low, high = 0.3, 0.99
            for _ in range(50):
                p = (low + high) / 2
                small = torch.linalg.eigvalsh(gate(n, steps, p))[0]
                low, high = (p, high) if small > 0 else (low, p)
            return p

        even = gate(4, (0, 1, 2, 3), 0.7)
        values = torch.linalg.eigvals(torch.kron(gate(2, (1,), 0.3), even)).abs()
        share = torch.linalg.solve(
            gate(2, (1,), 0.3), torch.tensor([0.44, 0.56]).double()
        )
        share = share[0]
        price = (0.2464 / 0.16) / (share - share**2)
        numbers = first(4, (1, 2, 3)), first(9, (1, 8)), values.min(), share, price
        return *numbers, torch.tensor(208_333)

    @right
    @build
    def walked():
        p, batches = 0, 0
        while p < 0.25 * 500_000:
            p += 64 if batches % 5 != 2 else -64
            batches += 1
        shares = torch.linspace(0, 1, 100_001, dtype=torch.float64)
        share = shares[(0.7 * shares + 0.3 * (1 - shares) - 0.44).abs().argmin()]
        ring = 1 / (1 + math.cos(math.pi / 9))
        return 3 / 4, ring, 0.4 * 0.3, share, 6.7692, 64 * batches

    @right
    @build
    def by_fractions():
        from fractions import Fraction as Q

        share = (Q(44, 100) - Q(3, 10)) / (1 - 2 * Q(3, 10))
        price = Q(44 * 56, 10_000) / Q(4, 10) ** 2 / (share * (1 - share))
        waves = 1 - torch.cos(2 * math.pi * torch.arange(9).double() / 9)
        images = Q(500_000, 4) / (Q(8, 10) - Q(2, 10))
        least = min(1 - 2 * 0.3, 1) * min(1 - 0.7, 1)
        return Q(3, 4), (1 / waves).min(), least, share, price, images

    edited = edits(
        by_hand,
        """
    the gate of one coin | turn = 1 / (1 - mu.real) -> turn = 0.5
    a quarter for each turn | turn = 1 / (1 - mu.real) -> turn = 1.0
    chance to stay | turn = 1 / (1 - mu.real) -> turn = 1 / 4
    inverse of what is due | turn = 1 / (1 - mu.real) -> turn = 1 - mu.real
    the gate of one coin | ring = 1 / (1 - mu) -> ring = 0.5
    another wave | math.pi * 4 / 9 -> math.pi * 3 / 9
    another wave | math.pi * 4 / 9 -> math.pi * 2 / 9
    p for each side | ring = 1 / (1 - mu) -> ring = 0.5 / (1 - mu)
    half of the cosine | ring = 1 / (1 - mu) -> ring = 1 / (1 - mu / 2)
    chance to stay | ring = 1 / (1 - mu) -> ring = 1 - 1 / (1 - mu)
    another length of the ring | math.pi * 4 / 9 -> math.pi * 2 / 5
    another length of the ring | math.pi * 4 / 9 -> math.pi * 5 / 11
    inverse of what is due | ring = 1 / (1 - mu) -> ring = 1 - mu
    not to the digits asked for | ring = 1 / (1 - mu) -> ring = 0.52
    another of the answers | return turn, ring -> return ring, turn
    the mirror alone | least = mirror * turns -> least = mirror
    the turns alone | least = mirror * turns -> least = turns
    turned by three | least = mirror * turns -> least = mirror * (1 - 0.7 * 4 / 3)
    product of all eigenvalues | least = mirror * turns
        -> least = mirror * turns**3 * (mirror * turns) ** 3
    largest eigenvalue | least = mirror * turns -> least = 1.0
    sum of the gates | least = mirror * turns -> least = (mirror + turns) / 2
    mirror taken for a loss | least = mirror * turns -> least = 0.7 * turns
    chance to stay | least = mirror * turns -> least = 0.7 * (0.3 + 0.7 / 4)
    square of what is due | least = mirror * turns -> least = (mirror * turns) ** 2
    share after mirroring | share = (0.44 - 0.3) / mirror -> share = 0.44
        | share * (1 - share) -> 0.35 * 0.65
    mirrored once more | share = (0.44 - 0.3) / mirror
        -> share = 0.44 * 0.7 + 0.56 * 0.3
        | share * (1 - share) -> 0.35 * 0.65
    mirrored pictures counted for one side | share = (0.44 - 0.3) / mirror
        -> share = (0.44 - 0.3) / 0.7 | share * (1 - share) -> 0.35 * 0.65
    mirrored pictures counted for one side | share = (0.44 - 0.3) / mirror
        -> share = 0.44 - 0.3 | share * (1 - share) -> 0.35 * 0.65
    share of the other side | share = (0.44 - 0.3) / mirror
        -> share = (0.56 - 0.3) / mirror
    percent in place of a share | return turn, ring, least, share
        -> return turn, ring, least, 100 * share
    other variance left out | price = 0.44 * 0.56 / mirror**2 / (share * (1 - share))
        -> price = 1 / mirror**2
    factor of the deviation | price = 0.44 * 0.56 / mirror**2 / (share * (1 - share))
        -> price = 1 / mirror
    factor of the deviation | mirror**2 -> mirror
    variances turned around | price = 0.44 * 0.56 / mirror**2 / (share * (1 - share))
        -> price = share * (1 - share) / mirror**2 / (0.44 * 0.56)
    factor of the gate left out | / mirror**2 ->
    pictures thrown away | price = 0.44 * 0.56 / mirror**2 / (share * (1 - share))
        -> price = 1 / 0.7
    inverse of what is due | price = -> price = 1 /
        | 0.44 * 0.56 / mirror**2 -> (0.44 * 0.56 / mirror**2)
        | / (share * (1 - share)) -> * (share * (1 - share))
    root of what is due | / (share * (1 - share))
        -> / (share * (1 - share)); price **= 0.5
    the variance itself | / (share * (1 - share)) ->
    p in place of 1 - p | least = mirror * turns -> least = mirror * 0.7
    phases of the moves | turn = 1 / (1 - mu.real) -> turn = 2 / 3
    phases of the moves | ring = 1 / (1 - mu) -> ring = -0.5 / mu
    always upward | / (0.8 - 0.2) ->
    steps back left out | / (0.8 - 0.2) -> / 0.8
    steps back alone | / (0.8 - 0.2) -> / 0.2
    multiplied in place of divided | / (0.8 - 0.2) -> * (0.8 - 0.2)
    until p is 1 | 0.25 * 500_000 -> 500_000
    thousands of images | 0.25 * 500_000 -> 0.25 * 500
    not to the digits asked for | 0.25 * 500_000 -> 0.25 * 505_000
    """,
    )
