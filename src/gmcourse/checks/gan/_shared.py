"""What several exercises of the chapter try."""

import torch
from torch import nn


def leaves_alone(t, answer, *args):
    """What an answer gives; the networks among its arguments are as before after it.

    Each is in a mode of its own, and its weights hold gradients.
    """
    nets = [v for v in args if isinstance(v, nn.Module)]
    weights = [p for net in nets for p in net.parameters()]
    marks = [t.away(*p.shape, low=1, high=2).to(p) for p in weights]
    for p, mark in zip(weights, marks):
        p.grad = mark.clone()
    modes = [bool(t.integer(0, 1)) for _ in nets]
    for net, mode in zip(nets, modes):
        net.train(mode)
    flags = [p.requires_grad for p in weights]
    out = t.call(answer, *args)
    why, got = "As before.", "They have changed."
    same = [
        p.grad is not None and torch.equal(p.grad, mark)
        for p, mark in zip(weights, marks)
    ]
    what = "gradients of the weights touched"
    t.true(all(same), f"The .grad of all weights: {why}", got, what)
    same = [net.training for net in nets] == modes
    t.true(same, f"The modes of the networks: {why}", got, "mode changed")
    same, what = [p.requires_grad for p in weights] == flags, "weights frozen or thawed"
    t.true(same, f"The requires_grad of all weights: {why}", got, what)
    return out
