"""Versions of exercise vae-12."""

import math

import torch

from .. import edits, reference, right


class Vae12:
    r"""
    In logarithms the size is $2 \log \sum_i w_i - \log \sum_i w_i^2$.

    In five runs with $k = 1000$ the digits had effective sizes from 2 to 339, in the
    median 17 to 50; the faces from 1.0 to 5.7, in the median 1.3 to 1.7. From $k = 10$
    to 1000 the mean of $-\mathcal L_k$ fell by 0.3 to 1.5 nats for the digits, and by
    14 to 20 for the faces, where 10,000 draws took 3 nats more. So the figure of the
    faces is one of $k$, and to be published with it, as a bound that is known to be
    loose. It is a property of $q$ as much as of the model. A large size is no proof
    that the bound has converged: a region that no draw has found is not in the sum.
    """

    @reference
    def effective_size(log_joint, log_q):
        share = (log_joint - log_q).softmax(1)
        return 1 / (share**2).sum(1)

    @right
    def by_logarithms(log_joint, log_q):
        log_w = log_joint - log_q
        return (2 * log_w.logsumexp(1) - (2 * log_w).logsumexp(1)).exp()

    @right
    def by_hand(log_joint, log_q):
        log_w = log_joint - log_q
        w = (log_w - log_w.amax(1, keepdim=True)).exp()
        return w.sum(1) ** 2 / w.square().sum(1)

    @right
    def by_loops(log_joint, log_q):
        sizes = []
        for row in (log_joint.double() - log_q.double()).tolist():
            top = max(row)
            w = [math.exp(v - top) for v in row]
            sizes.append(sum(w) ** 2 / sum(v * v for v in w))
        return torch.tensor(sizes)

    @right
    def by_einsum(log_joint, log_q):
        share = torch.softmax((log_joint - log_q).T, 0)
        return torch.einsum("kb,kb->b", share, share).reciprocal()

    edited = edits(
        effective_size,
        """
    wrong axis | softmax(1) -> softmax(0) | .sum(1) -> .sum(0)
    shares of all examples together | .softmax(1)
        -> .flatten().softmax(0).view_as(log_q)
    reduced over the batch | .sum(1) -> .sum()
    reduced over the batch | 1 / (share**2).sum(1) -> (1 / (share**2).sum(1)).mean()
    sum of squares not inverted | 1 / (share**2).sum(1) -> (share**2).sum(1)
    root taken | (share**2).sum(1) -> (share**2).sum(1).sqrt()
    inverse of the largest share | (share**2).sum(1) -> share.amax(1)
    exponential of the entropy | 1 / (share**2).sum(1)
        -> torch.special.entr(share).sum(1).exp()
    divided by k | 1 / -> 1 / share.shape[1] /
    q left out | log_joint - log_q -> log_joint
    log_q added | log_joint - log_q -> log_joint + log_q
    ratio turned around | log_joint - log_q -> log_q - log_joint
    weights taken as logarithms | (log_joint - log_q).softmax(1)
        -> log_joint - log_q | 1 / (share**2) -> share.sum(1) ** 2 / (share**2)
    logarithm of the size | .sum(1) -> .sum(1); return -torch.log(_)
        | return 1 / -> _ =
    underflow | (log_joint - log_q).softmax(1) -> (log_joint - log_q).exp()
        | 1 / (share**2) -> share.sum(1) ** 2 / (share**2)
    underflow | (log_joint - log_q).softmax(1) -> (log_joint.exp() / log_q.exp())
        | 1 / (share**2) -> share.sum(1) ** 2 / (share**2)
    one shift for all examples | (log_joint - log_q).softmax(1)
        -> (log_joint - log_q - (log_joint - log_q).max()).exp()
        | 1 / (share**2) -> share.sum(1) ** 2 / (share**2)
    a zero weight spoils the size | (log_joint - log_q).softmax(1)
        -> (log_joint - log_q - (log_joint - log_q)[:, :1]).exp()
        | 1 / (share**2) -> share.sum(1) ** 2 / (share**2)
    sum not squared | 1 / (share**2).sum(1)
        -> share.amax(1) / share.square().sum(1)
    logarithms squared | (log_joint - log_q) -> ((log_joint - log_q) ** 2)
    from the spread of the logarithms | 1 / (share**2).sum(1)
        -> log_q.shape[1] / (1 + (log_joint - log_q).var(1))
    a bound on the logarithms | (log_joint - log_q)
        -> (log_joint - log_q).clamp(-50, 50)
    a zero weight counted | (log_joint - log_q)
        -> (log_joint - log_q).nan_to_num(0, neginf=0)
    always 1 | 1 / (share**2).sum(1) -> share.sum(1)
    a whole number | 1 / (share**2).sum(1) -> (share > 0).sum(1).float()
    a whole number | 1 / (share**2).sum(1) -> (share > 0.01).sum(1).float()
    weights too even or too uneven | (log_joint - log_q).softmax(1)
        -> ((log_joint - log_q) / log_q.shape[1]).softmax(1)
    a function of the spread of the weights | 1 / (share**2).sum(1)
        -> len(share[0]) / (1 + (len(share[0]) * share).std(1))
    variance with k - 1 | 1 / (share**2).sum(1)
        -> len(share[0]) / (1 + (len(share[0]) * share).var(1))
    mean in place of a sum | (share**2).sum(1) -> (share**2).mean(1)
    a whole number | 1 / (share**2).sum(1) -> (1 / (share**2).sum(1)).round()
    a whole number | 1 / (share**2).sum(1) -> (1 / (share**2).sum(1)).long()
    weights too even or too uneven | log_joint - log_q) -> 2 * log_joint - 2 * log_q)
    each normalized on its own | (log_joint - log_q).softmax(1)
        -> log_joint.softmax(1) / log_q.softmax(1)
    wrong axis | softmax(1) -> softmax(0)
    underflow | (log_joint - log_q).softmax(1)
        -> (log_joint - log_q - log_joint.amax(1, True)).exp()
        | 1 / (share**2) -> share.sum(1) ** 2 / (share**2)
    batch axis lost | .sum(1) -> .sum(1).squeeze()
    input changed in place | log_joint - log_q -> log_joint.sub_(log_q)
    """,
    )
