"""Versions of exercise ar-30."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .. import build, reference


class Ar30:
    r"""
    The program prints for each of the five models the nats on rows as in training, with
    $L = 7$ and with $L = 19$, and the weights of each layer with $L = 12$. It takes 40
    seconds of one CPU core. Nats over the seeds 0 to 4, the mean and the range:

    | layers, trained with | as in training | $L = 7$ | $L = 19$ |
    |---|---|---|---|
    | 1, $L = 12$ | 0.00 | 13.8 (13.6 to 14.1) | 14.7 (14.6 to 14.9) |
    | 2, $L = 12$ | 0.00 | 15.2 (14.7 to 15.8) | 15.4 (14.9 to 16.1) |
    | 1, $L = 8$ to 16 | 1.81 (1.78 to 1.83) | 4.8 (4.6 to 5.1) | 6.0 (5.9 to 6.1) |
    | 2, $L = 8$ to 16 | 0.00 | 0.01 (0.00 to 0.06) | 1.21 (1.10 to 1.32) |
    | 1 with shifted keys, $L = 8$ to 16 | 0.00 | 0.00 | 0.00 |

    And the mean weights with $L = 12$, of both layers where there are two:

    | layers, trained with | token before, first block | later | followed last time |
    |---|---|---|---|
    | 1, $L = 12$ | 0.19 | 0.00 | 0.56 |
    | 2, $L = 12$ | 0.05 and 0.06 | 0.00 | 0.57 and 0.41 |
    | 1, $L = 8$ to 16 | 0.20 | 0.00 | 0.08 |
    | 2, $L = 8$ to 16 | **0.99** and 0.21 | 0.16 and 0.00 | 0.04 and **0.46** |
    | 1 with shifted keys, $L = 8$ to 16 | 0.21 | 0.00 | 0.64 |

    **By place.** Where all blocks are equally long, one layer is enough: its head looks
    12 places before the next one, whatever stands there. At another length it copies
    the wrong token with confidence, at 14 nats, far worse than a guess (3.47). The
    second layer changes nothing about that: what is easier to learn is learned.

    **By content.** With lengths from 8 to 16 no distance is right. One layer has 1.8
    nats after these steps, and 1.2 after four times as many (seed 0). Both are less
    than $\ln 12 = 2.48$, so it knows more than the tokens of the block; how, we have
    not taken apart. Two layers reach 0.00. In the first block the first one looks at
    the token before, with a weight of 0.99, so that each place holds two tokens, its
    own and its predecessor. The second looks for the place whose *predecessor* is the
    present token: an induction head, of two heads in a row. At $L = 7$, which it has
    never seen, it copies as well. At $L = 19$ it needs 1.2 nats: the first layer looks
    back where first blocks were in training, and later hardly. So what was found is
    half a rule of content, and half one of place.

    **What decides.** The score of one layer compares a place with another, each by its
    own token and position. The token to be found is told by its neighbor, and no place
    knows its neighbor before a first layer has brought it. The last model is the
    control: its keys are made of the token before, by hand, and its one layer copies at
    all three lengths. It is not a second layer that was missing, but this one step.

    Had the two layers counted places, $L = 7$ would have told; had one layer only been
    too small, the shifted keys would not have helped it at the same size. What none
    of this shows is how a model finds its way where tokens occur twice in a block: a
    single predecessor does not tell then.
    """

    @reference
    @build
    def reference():
        def rows(n, lengths):
            """Tokens (n, 40); whether each is a copy that can be told."""
            length = lengths[torch.randint(len(lengths), (n, 1))]
            place = torch.arange(40)
            block = torch.rand(n, 32).argsort(1)
            return block.gather(1, place % length), place > length

        class Copier(nn.Module):
            def __init__(self, depth, shifted=False, width=64):
                super().__init__()
                self.token = nn.Embedding(32, width)
                self.place = nn.Embedding(39, width)
                self.q, self.k, self.v = (
                    nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
                    for _ in range(3)
                )
                self.head = nn.Linear(width, 32)
                self.shifted = shifted

            def forward(self, x):
                h = self.token(x) + self.place.weight
                mask = torch.full((39, 39), -math.inf).triu(1)
                weights = []
                for q, k, v in zip(self.q, self.k, self.v):
                    of = F.pad(h, (0, 0, 1, -1)) if self.shifted else h
                    score = q(h) @ k(of).mT / h.shape[-1] ** 0.5
                    weights.append((score + mask).softmax(-1))
                    h = h + weights[-1] @ v(h)
                return self.head(h), weights

        def nats(model, x, told):
            z = model(x[:, :-1])[0]
            loss = F.cross_entropy(z.mT, x[:, 1:], reduction="none")
            return loss[told[:, 1:]].mean()

        def trained(depth, lengths, shifted=False, steps=1_200):
            model = Copier(depth, shifted)
            adam = torch.optim.Adam(model.parameters(), lr=3e-3)
            fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
            for _ in range(steps):
                loss = nats(model, *rows(32, lengths))
                adam.zero_grad()
                loss.backward()
                adam.step()
                fall.step()
            return model

        def looks(model, length):
            """Per layer: weight on the token before, in the first block and
            later; and, later, on what followed the token last time."""
            x, _ = rows(200, torch.tensor([length]))
            i, j = torch.arange(1, length), torch.arange(length + 1, 39)
            places = (i, i - 1), (j, j - 1), (j, j + 1 - length)
            means = [w.mean(0) for w in model(x[:, :-1])[1]]
            return [[float(w[at].mean()) for at in places] for w in means]

        one, some = torch.tensor([12]), torch.arange(8, 17)
        for depth, lengths, shifted in (
            *((1, one, False), (2, one, False), (1, some, False)),
            *((2, some, False), (1, some, True)),
        ):
            torch.manual_seed(0)
            model = trained(depth, lengths, shifted)
            with torch.no_grad():
                tried = [lengths, torch.tensor([7]), torch.tensor([19])]
                loss = [float(nats(model, *rows(1000, v))) for v in tried]
                seen = [[round(v, 2) for v in w] for w in looks(model, 12)]
            print(depth, len(lengths), shifted, [round(v, 2) for v in loss], seen)
        return ()
