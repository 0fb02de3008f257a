"""Versions of exercise start-03."""

import numpy as np
import torch

import gmcourse as gm

from .. import edits, reference, right


class Start03:
    """The body could as well draw a picture, stop early with `break`, or change the
    learning rate: it is plain Python, and no callback is needed for any of it."""

    @reference
    def fit(model, batches, steps, every):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        record, block = [], []
        for step in gm.train(model, batches, optimizer, steps=steps):
            block.append(step.loss.item())
            if step.index % every == 0:
                record.append(sum(block) / every)
                block = []
        return record

    @right
    def all_first(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        losses = torch.stack([step.loss for step in run])
        full = steps // every * every
        return losses[:full].view(-1, every).mean(1).tolist()

    @right
    def by_running_mean(model, batches, steps, every):
        adam, record, mean = torch.optim.Adam(model.parameters(), lr=0.05), [], 0.0
        for step in gm.train(model, batches, adam, steps=steps):
            mean += float(step.loss) / every
            if step.index % every == 0:
                record, mean = [*record, mean], 0.0
        return record

    @right
    def block_by_block(model, batches, steps, every):
        adam, record = torch.optim.Adam(model.parameters(), lr=0.05), []
        for _ in range(steps // every):
            run = gm.train(model, batches, adam, steps=every)
            record.append(sum(step.loss.item() for step in run) / every)
        list(gm.train(model, batches, adam, steps=steps % every))
        return record

    @right
    def by_hand(model, batches, steps, every):
        adam, losses = torch.optim.Adam(model.parameters(), lr=0.05), []
        for _ in range(steps):
            x = next(batches)
            loss = model.loss(x)
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.item())
        blocks = range(0, steps - every + 1, every)
        return [sum(losses[i : i + every]) / every for i in blocks]

    @right
    def decay_of_zero(model, batches, steps, every):
        how = {"lr": 0.05, "weight_decay": 0.0}
        adam, losses = torch.optim.AdamW(model.parameters(), **how), []
        for step in gm.train(model, batches, adam, steps=steps):
            losses.append(step.loss.item())
        parts = np.array(losses[: steps // every * every]).reshape(-1, every)
        return parts.mean(1).tolist()

    edited = edits(
        fit,
        """
    iterator never run | gm.train(model -> [] and gm.train(model
    every single loss recorded | step.index % every == 0 -> True | / every ->
    last loss in place of the mean | sum(block) / every -> block[-1]
    last loss in place of the mean | sum(block) / every -> block[0]
    sum in place of the mean | / every ->
    mean since the start | [], [] -> [], []; total = 0.0
        | block.append(step.loss.item()) -> total += step.loss.item()
        | sum(block) / every -> total / step.index
    blocks shifted by one | step.index % -> (step.index - 1) % | / every -> / len(block)
    incomplete block recorded
        | return record -> return record + [sum(block) / len(block) for _ in block[:1]]
    tensors in place of numbers | .item() ->
    tensors in place of numbers | return record -> return torch.tensor(record)
    one batch for all | model, batches, optimizer -> model, [next(batches)], optimizer
    batches taken besides | step.loss.item() -> model.loss(next(batches)).item()
    wrong number of updates | steps=steps -> steps=steps - 1
    wrong number of updates | steps=steps -> steps=steps + 1
    wrong number of updates | steps=steps -> steps=steps // every * every
    another optimizer than Adam | Adam -> SGD
    another optimizer than Adam | Adam -> AdamW
    another optimizer than Adam | lr=0.05 -> lr=0.05, weight_decay=0.01
    another optimizer than Adam | lr=0.05 -> lr=0.05, weight_decay=1e-3
    another setting of Adam | lr=0.05 -> lr=0.05, eps=1e-7
    another setting of Adam | lr=0.05 -> lr=0.05, amsgrad=True
    another setting of Adam | lr=0.05 -> lr=0.05, betas=(0.5, 0.999)
    another setting of Adam | lr=0.05 -> lr=0.05, betas=(0.9, 0.99)
    another setting of Adam | lr=0.05 -> lr=0.05, eps=1e-3
    another learning rate | , lr=0.05 ->
    another learning rate | 0.05 -> 0.5
    optimizer made anew on the way
        | block.append -> optimizer.state.clear(); block.append
    optimizer made anew on the way
        | record.append -> optimizer.state.clear(); record.append
    a copy was trained
        | optimizer = -> model = __import__("copy").deepcopy(model); optimizer =
    learning rate that changes
        | block.append -> optimizer.param_groups[0]["lr"] *= 0.9; block.append
    gradients cut at a largest size | steps=steps) -> steps=steps, clip=0.1)
    steps taken for the number of blocks | steps=steps -> steps=steps * every
    wrong number of updates | steps=steps -> steps=steps // every
    one number for the whole run
        | return record -> return [sum(record) / len(record)]
    total since the start | [], [] -> [], []; total = 0.0
        | block.append(step.loss.item()) -> total += step.loss.item()
        | sum(block) / every -> total / every
    median in place of the mean | sum(block) / every -> sorted(block)[len(block) // 2]
    rounded | sum(block) / every -> round(sum(block) / every, 1)
    running average in place of a block's mean | [], [] -> [], []; m = 0.0
        | block.append(step.loss.item()) -> m = 0.9 * m + 0.1 * step.loss.item()
        | sum(block) / every -> m
    not all parameters | model.parameters() -> [next(model.parameters())]
    not all parameters | model.parameters() -> list(model.parameters())[1:]
    not all parameters
        | model.parameters() -> list(dict(model.named_parameters()).values())[:1]
    """,
    )
    of_loops = edits(
        by_hand,
        """
    a full block left out | steps - every + 1 -> steps - every
    loss after the update | loss.item() -> model.loss(x).item()
    batches taken besides | loss.item() -> model.loss(next(batches)).item()
    gradients added up | adam.zero_grad() -> pass
    weights never moved | adam.step() -> pass
    weights never moved | adam.zero_grad() -> pass
        | adam.step() -> adam.zero_grad(); adam.step()
    one update for several batches | adam.zero_grad() -> pass
        | adam.step() -> i = len(losses) + 1
        | losses.append -> i % every or (adam.step(), adam.zero_grad()); losses.append
    several updates from one batch | adam.step() -> adam.step(); adam.step()
    blocks that overlap
        | range(0, steps - every + 1, every) -> range(steps - every + 1)
    blocks counted from the end
        | range(0, steps - every + 1, every) -> range(steps % every, steps, every)
    every taken for the number of blocks | blocks = range(0, steps - every + 1, every)
        -> n = steps // every
        | [sum(losses[i : i + every]) / every for i in blocks]
        -> [sum(losses[i * n : i * n + n]) / n for i in range(every)]
    """,
    )
