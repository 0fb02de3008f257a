"""Versions of exercise ar-12."""

import math

import torch

from .. import cases, edits, reference, right, wrong


class Ar12:
    r"""
    A mean of logarithms is what one gets by averaging losses, and by Jensen's
    inequality it is never more than the logarithm of the mean. It is no likelihood:
    summed over all $x$ the product $\prod_j p(x \mid o_j)^{1/k}$ gives less than one,
    unless the orders agree everywhere. So an average of the losses of $k$ orders
    makes their mixture look worse than it is.

    By how much it can gain: $\log p(x)$ lies between the best order's value minus $\log
    k$ and the best value itself. With four orders, at most 1.39 nats for an image are
    lost against an oracle that knows the best order of each. The mean over orders may
    lie far below: at log-probabilities of -28, -30, -30 and -32 it is -30.0, and the
    mixture has -29.1.

    The posterior says the same in shares: here 0.776, 0.105, 0.105 and 0.014. Two nats
    are a factor of seven: where orders differ by tens of nats, one takes all.
    """

    @reference
    def ensemble(log_prob, x, orders):
        table = torch.stack([log_prob(x, order) for order in orders], dim=1)
        log_p = table.logsumexp(dim=1) - math.log(len(orders))
        return log_p, table.softmax(dim=1)

    @right
    def with_a_shift(log_prob, x, orders):
        a = torch.stack([log_prob(x, o) for o in orders])
        top = a.max(0).values
        p = torch.exp(a - top)
        return top + torch.log(p.mean(0)), (p / p.sum(0)).transpose(0, 1)

    @right
    def one_after_the_other(log_prob, x, orders):
        columns = [log_prob(x, o) for o in orders]
        total = columns[0]
        for c in columns[1:]:
            total = torch.logaddexp(total, c)
        share = torch.stack([(c - total).exp() for c in columns], -1)
        return total - math.log(len(columns)), share

    @right
    def example_by_example(log_prob, x, orders):
        log_p, share = [], []
        for row in x:
            a = torch.cat([log_prob(row[None], o) for o in orders])
            log_p.append(torch.logsumexp(a - math.log(len(a)), 0))
            share.append(torch.softmax(a, 0))
        return [torch.stack(log_p), torch.stack(share)]

    edited = edits(
        ensemble,
        """
    mean of the logarithms
        | table.logsumexp(dim=1) - math.log(len(orders)) -> table.mean(1)
    sum of the logarithms
        | table.logsumexp(dim=1) - math.log(len(orders)) -> table.sum(1)
    log k left out | table.logsumexp(dim=1) - math.log(len(orders))
        -> table.logsumexp(dim=1)
    a floor under the logarithms | log_p = table.logsumexp
        -> log_p = table.clamp(min=-100).logsumexp
    an order left out | log_p = table.logsumexp(dim=1) - math.log(len(orders))
        -> log_p = table[:, :2].logsumexp(dim=1) - math.log(2)
    minus infinity replaced | log_p = table.logsumexp(dim=1)
        -> log_p = table.nan_to_num(neginf=-1e4).logsumexp(dim=1)
    another weight of the orders | - math.log(len(orders)) -> + math.log(len(orders))
    another weight of the orders | - math.log(len(orders)) -> - math.log(len(x))
    another weight of the orders | - math.log(len(orders)) -> - math.log(x.shape[1])
    another weight of the orders | - math.log(len(orders)) -> - len(orders)
    log-probabilities cut at 0 | log_p = table.logsumexp
        -> log_p = table.clamp(max=0).logsumexp
    sum started at log 1 | table.logsumexp(dim=1) - math.log(len(orders))
        -> F.pad(table, (1, 0)).logsumexp(1) - math.log(len(orders))
    orders sorted | for order in orders] -> for order in orders.unique(dim=0)]
    equal orders counted once | for order in orders]
        -> for order in {tuple(order.tolist()): order for order in orders}.values()]
    one order drawn | table.logsumexp(dim=1) - math.log(len(orders))
        -> table.gather(1, ((torch.arange(len(x)) + torch.randint(99, ()))
           % len(orders))[:, None])[:, 0]
    best order alone
        | table.logsumexp(dim=1) - math.log(len(orders)) -> table.amax(1)
    one order alone
        | table.logsumexp(dim=1) - math.log(len(orders)) -> table[:, 0]
    underflow to zero
        | table.logsumexp(dim=1) - math.log(len(orders)) -> table.exp().mean(1).log()
    underflow to zero | table.softmax(dim=1)
        -> table.exp() / table.exp().sum(1, keepdim=True)
    one shift for all examples
        | table.logsumexp(dim=1) - math.log(len(orders))
        -> (table - table.max()).exp().mean(1).log() + table.max()
    underflow to zero | table.softmax(dim=1)
        -> (p := (table - table.max()).exp()) / p.sum(1, keepdim=True)
    underflow to zero | table.logsumexp(dim=1) - math.log(len(orders))
        -> (table.exp().mean(1) + 1e-30).log()
    density in place of its logarithm
        | table.logsumexp(dim=1) - math.log(len(orders)) -> table.exp().mean(1)
    negative log-likelihood returned
        | table.logsumexp(dim=1) - math.log(len(orders))
        -> math.log(len(orders)) - table.logsumexp(dim=1)
    bits in place of nats | return log_p, -> return log_p / math.log(2),
    reduced over the batch | return log_p, -> return log_p.mean(),
    normalized over the data | softmax(dim=1) -> softmax(dim=0)
    responsibilities not normalized | table.softmax(dim=1) -> table.exp()
    logarithm in place of the probability | .softmax(dim=1) -> .log_softmax(dim=1)
    points given to their best component | table.softmax(dim=1)
        -> torch.eye(len(orders)).to(x)[table.argmax(1)]
    another power of the shares | table.softmax(dim=1)
        -> (table / len(orders)).softmax(dim=1)
    every order alike | table.softmax(dim=1)
        -> torch.full_like(table, 1 / len(orders))
    orders and examples exchanged | table.softmax(dim=1) -> table.softmax(dim=1).T
    orders turned into places | log_prob(x, order) -> log_prob(x, order.argsort())
    log_prob called otherwise | log_prob(x, order) -> log_prob(x, order.tolist())
    log_prob called otherwise | log_prob(x, order)
        -> torch.stack([log_prob(row, order) for row in x]).flatten()
    log_prob called otherwise | log_prob(x, order) -> log_prob(x, order.to(x))
    x put in order | log_prob(x, order) -> log_prob(x[:, order], order)
    an order left out | in orders] -> in orders[1:]]
        | table.softmax(dim=1) -> F.pad(table.softmax(dim=1), (1, 0))
    impossible orders not counted | math.log(len(orders))
        -> table.isfinite().sum(1).to(x).log()
    minus infinity replaced | log_p = table.logsumexp(dim=1)
        -> table = table.nan_to_num(neginf=-400); log_p = table.logsumexp(dim=1)
    mean of the logarithms | table.logsumexp(dim=1) - math.log(len(orders))
        -> (table.softmax(1) * table).sum(1)
    mean over the dimensions | return log_p, -> return log_p / x.shape[1],
    responsibilities not normalized | table.softmax(dim=1)
        -> (table - log_p[:, None]).exp()
    batch axis lost | return log_p, -> return log_p.squeeze(),
    batch axis lost | table.softmax(dim=1) -> table.softmax(dim=1).squeeze()
    a size of one not met | return log_p, -> orders[1]; return log_p,
    two results exchanged | return log_p, table.softmax(dim=1)
        -> return table.softmax(dim=1), log_p
    no pair | return log_p, table.softmax(dim=1) -> return log_p
    cut off from the graph | return log_p, -> return log_p.detach(),
    cut off from the graph | table.softmax(dim=1) -> table.detach().softmax(dim=1)
    float32 in between | log_p = table.logsumexp(dim=1)
        -> log_p = table.float().logsumexp(dim=1).to(x)
    wrong dtype | return log_p, -> return log_p.float(),
    """,
    )

    @wrong("log_prob called too often")
    def with_a_table_for_each(log_prob, x, orders):
        def table():
            return torch.stack([log_prob(x, order) for order in orders], dim=1)

        return table().logsumexp(1) - math.log(len(orders)), table().softmax(1)

    @wrong("one order alone")
    def of_a_random_order(log_prob, x, orders):
        table = torch.stack([log_prob(x, order) for order in orders], dim=1)
        j = int(torch.randint(len(orders), ()))
        return table[:, j], table.softmax(1)

    @wrong("zero times infinity")
    def from_the_first_one(log_prob, x, orders):
        table = torch.stack([log_prob(x, order) for order in orders], dim=1)
        off = table - table[:, :1]
        log_p = table[:, 0] + off.logsumexp(1) - math.log(len(orders))
        return log_p, off.softmax(1)

    def kept(which):
        """Some of the arguments are those of the first call of these sizes."""
        memory = {}

        def ensemble(*args):
            old = memory.setdefault((args[1].shape, args[2].shape), args)
            mixed = (old[i] if i in which else args[i] for i in range(3))
            return Ar12.ensemble(*mixed)

        return ensemble

    old = "result of an earlier call"
    of_arguments = cases(
        kept,
        (old, {"which": (0, 1, 2)}),
        (old, {"which": (1,)}),
        (old, {"which": (2,)}),
    )
