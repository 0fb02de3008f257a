"""Versions of exercise gan-26."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gan26:
    r"""
    The four places:

    - The target 0 is that of the critics' turn. Under it the generators move away from
      what the critics take for real.
    - The translated picture was detached before it went back. Then `back` learns to
      undo whatever `forth` does, and `forth` never hears of the circle: it may lose
      what it likes.
    - The circle of $b$ went through `back` twice. As both nets are of one kind no shape
      tells.
    - `forth(a)` near `a` asks for no translation, and pulls against the critic.
      The identity term is for what is of the right kind already.

    All four leave a loss that falls. What finds the first three in a minute: let
    `forth` add 1 and `back` subtract 3, each by a parameter, let the critics give what
    they get, and work out on paper what each term is, and its derivative in either
    parameter. Here a circle ends 2 below where it began, whichever way it went. The
    fourth takes pictures of two kinds.

    With the circle intact, a small error of it is still no sign that the pairs are
    right: any map that can be undone closes it, as [Exercise gan-30](#gan-30) shows.
    """

    @reference
    def generator_loss(forth, back, critic_a, critic_b, a, b, cycle, identity):
        made_b, made_a = forth(a), back(b)
        value_b, value_a = critic_b(made_b), critic_a(made_a)
        loss = F.mse_loss(value_b, torch.ones_like(value_b))
        loss = loss + F.mse_loss(value_a, torch.ones_like(value_a))
        loss = loss + cycle * F.l1_loss(back(made_b), a)
        loss = loss + cycle * F.l1_loss(forth(made_a), b)
        same = F.l1_loss(forth(b), b) + F.l1_loss(back(a), a)
        return loss + identity * same

    @right
    def by_hand(forth, back, critic_a, critic_b, a, b, cycle, identity):
        there, here = forth(a), back(b)
        game = (critic_b(there) - 1).pow(2).mean() + (critic_a(here) - 1).pow(2).mean()
        circle = (back(there) - a).abs().mean() + (forth(here) - b).abs().mean()
        stay = (forth(b) - b).abs().mean() + (back(a) - a).abs().mean()
        return game + cycle * circle + identity * stay

    @right
    def in_one_batch(forth, back, critic_a, critic_b, a, b, cycle, identity):
        n, m = len(a), len(b)
        there, kept_b = forth(torch.cat([a, b])).split([n, m])
        here, kept_a = back(torch.cat([b, a])).split([m, n])
        loss = F.mse_loss(critic_b(there), torch.ones_like(critic_b(there)))
        loss = loss + ((1 - critic_a(here)) ** 2).mean()
        terms = (back(there), a, cycle), (forth(here), b, cycle)
        for x, y, weight in *terms, (kept_a, a, identity), (kept_b, b, identity):
            loss = loss + weight * (x - y).abs().sum() / y.numel()
        return loss

    @right
    def with_frozen_critics(forth, back, critic_a, critic_b, a, b, cycle, identity):
        critics = [*critic_a.parameters(), *critic_b.parameters()]
        flags = [p.requires_grad for p in critics]
        for p in critics:
            p.requires_grad_(False)
        loss = torch.zeros((), dtype=a.dtype)
        sides = (forth, back, critic_b, a, b), (back, forth, critic_a, b, a)
        for there, again, critic, x, y in sides:
            made = there(x)
            loss = loss + (critic(made) - 1).square().mean()
            if cycle > 0:
                loss = loss + cycle * F.l1_loss(again(made), x)
            if identity > 0:
                loss = loss + identity * F.l1_loss(there(y), y)
        for p, flag in zip(critics, flags):
            p.requires_grad_(flag)
        return loss

    @right
    def picture_by_picture(forth, back, critic_a, critic_b, a, b, cycle, identity):
        def one(there, again, critic, x, y):
            total = 0.0
            for i in range(len(x)):
                made = there(x[i : i + 1])
                error = (again(made) - x[i]).abs().mean()
                value = (critic(made) - 1).square().mean()
                total = total + (value + cycle * error) / len(x)
            for i in range(len(y)):
                stay = (there(y[i : i + 1]) - y[i]).abs().mean()
                total = total + identity * stay / len(y)
            return total

        return one(forth, back, critic_b, a, b) + one(back, forth, critic_a, b, a)

    edited = edits(
        generator_loss,
        """
    target of the critic's turn | torch.ones_like(value_b) -> torch.zeros_like(value_b)
        | torch.ones_like(value_a) -> torch.zeros_like(value_a)
    target of the critic's turn | torch.ones_like(value_b) -> torch.zeros_like(value_b)
    target of the critic's turn | torch.ones_like(value_a) -> torch.zeros_like(value_a)
    another target | torch.ones_like(value_b) -> 0.9 * torch.ones_like(value_b)
        | torch.ones_like(value_a) -> 0.9 * torch.ones_like(value_a)
    critics exchanged | critic_b(made_b), critic_a(made_a)
        -> critic_a(made_b), critic_b(made_a)
    generators exchanged | forth(a), back(b) -> back(a), forth(b)
    generators exchanged | critic_b(made_b) -> critic_b(forth(b))
    real pictures judged
        | critic_b(made_b), critic_a(made_a) -> critic_b(b), critic_a(a)
    circle judged | critic_b(made_b), critic_a(made_a)
        -> critic_b(forth(made_a)), critic_a(back(made_b))
    loss of another game | F.mse_loss(value_b, torch.ones_like(value_b))
        -> F.softplus(-value_b).mean()
        | F.mse_loss(value_a, torch.ones_like(value_a)) -> F.softplus(-value_a).mean()
    loss of another game | F.mse_loss(value_b, torch.ones_like(value_b))
        -> -value_b.mean()
        | F.mse_loss(value_a, torch.ones_like(value_a)) -> -value_a.mean()
    loss of another game | loss = F.mse_loss(value_b -> loss = F.l1_loss(value_b
        | loss + F.mse_loss(value_a -> loss + F.l1_loss(value_a
    mean taken before the square | critic_b(made_b), critic_a(made_a)
        -> critic_b(made_b).flatten(1).mean(1), critic_a(made_a).flatten(1).mean(1)
    one direction left out | loss = loss + F.mse_loss(value_a, torch.ones_like(value_a))
        -> pass
    one direction left out | F.mse_loss(value_b, torch.ones_like(value_b)) -> 0
    off by a factor of two | loss = loss + cycle * F.l1_loss(back(made_b), a)
        -> loss = loss / 2 + cycle * F.l1_loss(back(made_b), a)
    sum over the batch
        | torch.ones_like(value_b) -> torch.ones_like(value_b), reduction="sum"
        | torch.ones_like(value_a) -> torch.ones_like(value_a), reduction="sum"
    sign flipped | loss = F.mse_loss -> loss = -F.mse_loss
        | loss = loss + F.mse_loss -> loss = loss - F.mse_loss
    one mean over both batches | loss = F.mse_loss(value_b, torch.ones_like(value_b))
        -> loss = 2 * (torch.cat([value_a, value_b]) - 1).square().mean()
        | loss = loss + F.mse_loss(value_a, torch.ones_like(value_a)) -> pass
    one mean over both batches | loss = loss + cycle * F.l1_loss(back(made_b), a)
        -> ways = torch.cat([back(made_b) - a, forth(made_a) - b])
        | loss = loss + cycle * F.l1_loss(forth(made_a), b)
        -> loss = loss + 2 * cycle * ways.abs().mean()
    the same generator twice | back(made_b), a) -> forth(made_b), a)
    the same generator twice | forth(made_a), b) -> back(made_a), b)
    the same generator twice | back(made_b), a) -> forth(made_b), a)
        | forth(made_a), b) -> back(made_a), b)
    circle begun with the wrong generator | back(made_b), a) -> forth(back(a)), a)
        | forth(made_a), b) -> back(forth(b)), b)
    compared with the wrong picture | back(made_b), a) -> back(made_b), b)
        | forth(made_a), b) -> forth(made_a), a)
    compared with the wrong picture | back(made_b), a) -> back(made_b), made_b)
    compared with the wrong picture | back(made_b), a) -> back(made_b), made_a)
        | forth(made_a), b) -> forth(made_a), made_b)
    half of a circle | back(made_b), a) -> made_b, b)
        | forth(made_a), b) -> made_a, a)
    half of a circle | back(made_b), a) -> made_b, a)
        | forth(made_a), b) -> made_a, b)
    one direction left out | loss = loss + cycle * F.l1_loss(forth(made_a), b) -> pass
    squared error in place of the absolute one
        | F.l1_loss(back(made_b), a) -> F.mse_loss(back(made_b), a)
        | F.l1_loss(forth(made_a), b) -> F.mse_loss(forth(made_a), b)
    another distance
        | F.l1_loss(back(made_b), a) -> F.smooth_l1_loss(back(made_b), a)
        | F.l1_loss(forth(made_a), b) -> F.smooth_l1_loss(forth(made_a), b)
    sum over the batch | F.l1_loss(back(made_b), a) -> (back(made_b) - a).abs().sum()
        | F.l1_loss(forth(made_a), b) -> (forth(made_a) - b).abs().sum()
    off by a factor of two | cycle * F.l1_loss(back(made_b), a)
        -> cycle / 2 * F.l1_loss(back(made_b), a)
        | cycle * F.l1_loss(forth(made_a), b)
        -> cycle / 2 * F.l1_loss(forth(made_a), b)
    weight left out or another | cycle * F.l1_loss(back(made_b), a)
        -> F.l1_loss(back(made_b), a) | cycle * F.l1_loss(forth(made_a), b)
        -> F.l1_loss(forth(made_a), b)
    weight left out or another | made_b, made_a = -> cycle = 10.0; made_b, made_a =
    weight left out or another | identity * same -> same
    weights exchanged
        | made_b, made_a = -> cycle, identity = identity, cycle; made_b, made_a =
    identity weighted by cycle, too | identity * same -> cycle * identity * same
    identity weighted by cycle, too | identity * same -> 0.5 * cycle * identity * same
    off by a factor of two | identity * same -> identity * same / 2
    identity of the wrong kind | F.l1_loss(forth(b), b) + F.l1_loss(back(a), a)
        -> F.l1_loss(forth(a), a) + F.l1_loss(back(b), b)
    identity of the wrong kind | F.l1_loss(forth(b), b) -> F.l1_loss(forth(a), a)
    identity of the wrong kind | F.l1_loss(back(a), a) -> F.l1_loss(made_a, b)
    compared with the wrong picture | F.l1_loss(forth(b), b) -> F.l1_loss(forth(b), a)
    identity of a circle
        | F.l1_loss(forth(b), b) -> F.l1_loss(forth(back(b)), b)
        | F.l1_loss(back(a), a) -> F.l1_loss(back(forth(a)), a)
    one direction left out | F.l1_loss(forth(b), b) + F.l1_loss(back(a), a)
        -> F.l1_loss(forth(b), b)
    squared error in place of the absolute one | F.l1_loss(forth(b), b)
        -> F.mse_loss(forth(b), b) | F.l1_loss(back(a), a) -> F.mse_loss(back(a), a)
    terms left out | return loss + identity * same -> return loss
    terms left out | loss = loss + cycle * F.l1_loss(back(made_b), a) -> pass
        | loss = loss + cycle * F.l1_loss(forth(made_a), b) -> pass
    circle cut in the middle | back(made_b), a) -> back(made_b.detach()), a)
    circle cut in the middle | forth(made_a), b) -> forth(made_a.detach()), b)
    circle cut in the middle | back(made_b), a) -> back(made_b.detach()), a)
        | forth(made_a), b) -> forth(made_a.detach()), b)
    circle cut at its end | back(made_b), a) -> back(made_b).detach(), a)
    cut off from the critics | critic_b(made_b), critic_a(made_a)
        -> critic_b(made_b.detach()), critic_a(made_a.detach())
    cut off from the critics | critic_b(made_b) -> critic_b(made_b).detach()
    identity cut off | F.l1_loss(forth(b), b) + F.l1_loss(back(a), a)
        -> (F.l1_loss(forth(b), b) + F.l1_loss(back(a), a)).detach()
    identity cut off | F.l1_loss(forth(b), b) -> F.l1_loss(forth(b).detach(), b)
    cut off from the graph | return loss + identity * same
        -> return (loss + identity * same).detach()
    wrong dtype | return loss + identity * same
        -> return (loss + identity * same).float()
    float32 in between | return loss + identity * same
        -> return (loss + identity * same).float().to(a.dtype)
    not a tensor | return loss + identity * same
        -> return float((loss + identity * same).detach())
    not reduced over the batch
        | torch.ones_like(value_b)) -> torch.ones_like(value_b), reduction="none")
    gradients of the weights touched | made_b, made_a =
        -> forth.zero_grad(); made_b, made_a =
    gradients of the weights touched | return loss + identity * same
        -> loss = loss + identity * same; loss.backward(retain_graph=True); return loss
    weights frozen or thawed | made_b, made_a =
        -> critic_b.requires_grad_(False); made_b, made_a =
    weights frozen or thawed | return
        -> critic_a.requires_grad_(True); critic_b.requires_grad_(True); return
    mode changed | made_b, made_a = -> critic_a.eval(); made_b, made_a =
    mode changed | made_b, made_a = -> forth.train(); made_b, made_a =
    weights changed | made_b, made_a =
        -> [p.data.clamp_(-0.1, 0.1) for p in critic_b.parameters()]; made_b, made_a =
    input changed in place | made_b, made_a = -> a.clamp_(-1, 1); made_b, made_a =
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def generator_loss(*args):
            value = Gan26.generator_loss(*args)
            return memory.setdefault((args[4].shape, args[5].shape), value)

        return generator_loss

    @wrong("result of an earlier call")
    @build
    def kept_for_good():
        memory = []

        def generator_loss(*args):
            memory.append(Gan26.generator_loss(*args))
            return memory[0]

        return generator_loss

    @wrong("circle cut in the middle")
    def under_no_grad(forth, back, critic_a, critic_b, a, b, cycle, identity):
        game = Gan26.generator_loss(forth, back, critic_a, critic_b, a, b, 0, identity)
        with torch.no_grad():
            made_b, made_a = forth(a), back(b)
        circle = F.l1_loss(back(made_b), a) + F.l1_loss(forth(made_a), b)
        return game + cycle * circle

    @wrong("one direction left out")
    def forth_alone(forth, back, critic_a, critic_b, a, b, cycle, identity):
        made = forth(a)
        loss = (critic_b(made) - 1).square().mean()
        loss = loss + cycle * F.l1_loss(back(made), a)
        return loss + identity * F.l1_loss(forth(b), b)
