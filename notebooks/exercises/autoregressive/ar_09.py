"""Versions of exercise ar-09."""

import math

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Ar09:
    r"""
    Nats of an image are a sum over its values, so they grow with the picture; bits per
    dimension do not, and can be compared between sizes. Neither says anything without
    the data's preparation: 8 bits for each channel here, no noise added.

    With equal logits an image of 3 × 32 × 32 costs $3072 \log 256 = 17{,}035$ nats,
    which is 8 bits per dimension. A model that saves a tenth of a bit per dimension
    there saves 213 nats of each picture: it gives each picture $e^{213}$ times the
    probability. Divided by the 1024 pixels in place of the 3072 values the first number
    would read 24 bits.
    """

    @reference
    def cost(logits, x):
        log_p = F.log_softmax(logits, dim=1)
        each = log_p.gather(1, x.long().unsqueeze(1)).squeeze(1)
        nats = -each.flatten(1).sum(1)
        return nats, nats / (x[0].numel() * math.log(2))

    @right
    def by_cross_entropy(logits, x):
        each = F.cross_entropy(logits, x.long(), reduction="none")
        dims = x.size(1) * x.size(2) * x.size(3)
        return each.sum((1, 2, 3)), each.sum(dim=(1, 2, 3)) / dims / math.log(2.0)

    @right
    def by_one_hot(logits, x):
        hot = F.one_hot(x.long(), 256).permute(0, 4, 1, 2, 3).to(logits)
        taken = torch.einsum("bkchw,bkchw->bchw", hot, logits)
        each = torch.logsumexp(logits, 1) - taken
        bits = each / torch.log(torch.tensor(2.0, dtype=logits.dtype))
        return each.reshape(len(x), -1).sum(-1), bits.reshape(len(x), -1).mean(-1)

    @right
    def in_loops(logits, x):
        nats = []
        for n in range(len(x)):
            total = logits.new_zeros(())
            flat, values = logits[n].reshape(256, -1), x[n].reshape(-1).tolist()
            for i, v in enumerate(values):
                total = total - torch.log_softmax(flat[:, i], 0)[v]
            nats.append(total)
        nats = torch.stack(nats)
        return [nats, nats * math.log2(math.e) / x[0].numel()]

    edited = edits(
        cost,
        """
    softmax over the wrong axis | dim=1 -> dim=2
    softmax over the wrong axis | dim=1 -> dim=-1
    softmax over the wrong axis | dim=1 -> dim=0
    not normalized | F.log_softmax(logits, dim=1) -> logits
    density in place of its logarithm | F.log_softmax(logits, dim=1)
        -> F.softmax(logits, dim=1)
    not finite | F.log_softmax(logits, dim=1) -> F.softmax(logits, dim=1).log()
    floor under the probability | F.log_softmax(logits, dim=1)
        -> (F.softmax(logits, dim=1) + 1e-12).log()
    floor under the probability | F.log_softmax(logits, dim=1)
        -> (F.softmax(logits, dim=1) + 1e-8).log()
    floor under the probability | F.log_softmax(logits, dim=1)
        -> F.softmax(logits, dim=1).clamp(min=1e-30).log()
    logits clamped | F.log_softmax(logits, -> F.log_softmax(logits.clamp(-80, 80),
    values of one level left out | each.flatten(1) -> (each * (x != 255)).flatten(1)
    mean over the dimensions | nats = -each.flatten(1).sum(1)
        -> nats = -each.flatten(1).mean(1)
    mean over the dimensions | return nats, -> return nats / x[0].numel(),
    bits in place of nats | return nats, -> return nats / math.log(2),
    logarithm base confused | math.log(2) -> math.log(10)
    logarithm base confused | / (x[0].numel() * math.log(2))
        -> * math.log(2) / x[0].numel()
    nats in place of bits | (x[0].numel() * math.log(2)) -> x[0].numel()
    bits not divided by the dimensions | (x[0].numel() * math.log(2)) -> math.log(2)
    bits not divided by the dimensions | nats / (x[0].numel() * math.log(2)) -> nats
    channels left out of the dimensions | x[0].numel() -> x[0, 0].numel()
    another number of dimensions | x[0].numel() -> x.numel()
    another number of dimensions | x[0].numel() -> logits[0].numel()
    another number of dimensions | x[0].numel() -> 3072
    reduced over the batch | nats = -each.flatten(1).sum(1)
        -> nats = -each.flatten(1).sum(1).mean()
    reduced over the batch | nats = -each.flatten(1).sum(1) -> nats = -each.sum(0)
    reduced over the batch | return nats, -> return nats.mean().expand(len(x)),
    reduced over the batch | return nats, -> return nats / len(x),
    not summed over the dimensions | each.flatten(1).sum(1) -> each
    mean of the logits | F.log_softmax(logits, dim=1)
        -> F.log_softmax(logits.mean(0, keepdim=True).expand_as(logits), dim=1)
    log 256 added or taken away | return nats, nats / (x[0].numel() * math.log(2))
        -> return nats, nats / (x[0].numel() * math.log(2)) + 8
    log 256 added or taken away | nats = -each.flatten(1).sum(1)
        -> nats = -each.flatten(1).sum(1) + x[0].numel() * math.log(256)
    log 256 added or taken away | nats = -each.flatten(1).sum(1)
        -> nats = -each.flatten(1).sum(1) - x[0].numel() * math.log(256)
    levels in another order | x.long() -> ((x.long() - 1) % 256)
    axes mixed by a reshape | log_p = F.log_softmax(logits, dim=1)
        -> log_p = logits.reshape(*x.shape, 256).log_softmax(-1).movedim(-1, 1)
    axes mixed by a reshape | log_p = F.log_softmax(logits, dim=1)
        -> log_p = logits.view(*x.shape[:2], 256, *x.shape[2:]).log_softmax(2).mT.mT
        | log_p.gather(1, x.long().unsqueeze(1)).squeeze(1)
        -> log_p.gather(2, x.long().unsqueeze(2)).squeeze(2)
    values taken at another place | x.long().unsqueeze(1)
        -> x.permute(0, 2, 3, 1).reshape(x.shape).long().unsqueeze(1)
    perplexity in place of bits | nats / (x[0].numel() * math.log(2))
        -> (nats / x[0].numel()).exp()
    uint8 not cast | x.long() -> x
    a size of one not met | .unsqueeze(1)).squeeze(1)
        -> .unsqueeze(1)).squeeze() | -each.flatten(1).sum(1) -> -each.sum((1, 2, 3))
    a size taken as fixed | each.flatten(1).sum(1)
        -> each.reshape(len(x), 3, -1).sum((1, 2))
    batch axis lost | return nats, -> return nats.squeeze(),
    logarithm base confused | math.log(2) -> math.log(256)
    cut off from the graph | nats = -each -> nats = -torch.tensor(each.numpy())
    sign flipped | nats = -each -> nats = each
    dimensions left out | each.flatten(1).sum(1) -> each[:, 0].flatten(1).sum(1)
    levels in another order | x.long() -> (255 - x.long())
    logarithm of the mean probability | nats = -each.flatten(1).sum(1)
        -> nats = -x[0].numel() * each.flatten(1).exp().mean(1).log()
    two numbers exchanged | return nats, nats / (x[0].numel() * math.log(2))
        -> return nats / (x[0].numel() * math.log(2)), nats
    no pair | return nats, nats / (x[0].numel() * math.log(2))
        -> return torch.stack([nats, nats / (x[0].numel() * math.log(2))])
    no pair | return nats, nats / (x[0].numel() * math.log(2)) -> return nats
    cut off from the graph | F.log_softmax(logits, -> F.log_softmax(logits.detach(),
    float32 in between | F.log_softmax(logits, dim=1)
        -> F.log_softmax(logits.float(), dim=1).to(logits)
    wrong dtype | F.log_softmax(logits, dim=1) -> F.log_softmax(logits, dim=1).float()
    estimated from samples | -each.flatten(1).sum(1)
        -> -each.flatten(1).sum(1) * (1 + 1e-3 * torch.randn(()))
    another number of dimensions | x[0].numel() -> (3 * x[0, 0].numel())
    """,
    )

    @wrong("not finite")
    def without_a_shift(logits, x):
        p = logits.exp() / logits.exp().sum(1, keepdim=True)
        nats = -p.gather(1, x.long()[:, None]).log().flatten(1).sum(1)
        return nats, nats / (x[0].numel() * math.log(2))

    @wrong("mean over the dimensions")
    def by_the_loss(logits, x):
        loss = torch.stack(
            [F.cross_entropy(a[None], v[None].long()) for a, v in zip(logits, x)]
        )
        return loss, loss / math.log(2)

    @wrong("reduced over the batch")
    def one_loss_for_all(logits, x):
        nats = F.cross_entropy(logits, x.long(), reduction="sum") / len(x)
        return nats.expand(len(x)), (nats / x[0].numel() / math.log(2)).expand(len(x))

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def cost(logits, x):
            return Ar09.cost(*memory.setdefault(x.shape, (logits, x)))

        return cost

    @wrong("result of an earlier call")
    @build
    def index_kept():
        memory = {}

        def cost(logits, x):
            return Ar09.cost(logits, memory.setdefault(x.shape, x))

        return cost

    @wrong("result of an earlier call")
    @build
    def dimensions_kept():
        memory = []

        def cost(logits, x):
            nats = Ar09.cost(logits, x)[0]
            memory.append(x[0].numel())
            return nats, nats / (memory[0] * math.log(2))

        return cost
