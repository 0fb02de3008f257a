"""Versions of exercise start-03."""

import copy

import numpy as np
import torch

import gmcourse as gm

from .. import reference, right, wrong


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
            loss = model.loss(next(batches))
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

    @wrong("iterator never run")
    def called_only(model, batches, steps, every):
        adam, record = torch.optim.Adam(model.parameters(), lr=0.05), []
        gm.train(model, batches, adam, steps=steps)
        return record

    @wrong("every single loss recorded")
    def every_loss(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        return [step.loss.item() for step in run]

    @wrong("last loss in place of the mean")
    def now_and_then(model, batches, steps, every):
        adam, record = torch.optim.Adam(model.parameters(), lr=0.05), []
        for step in gm.train(model, batches, adam, steps=steps):
            if step.index % every == 0:
                record.append(step.loss.item())
        return record

    @wrong("last loss in place of the mean")
    def first_of_each_block(model, batches, steps, every):
        adam, record = torch.optim.Adam(model.parameters(), lr=0.05), []
        for step in gm.train(model, batches, adam, steps=steps):
            if step.index % every == 1:
                record.append(step.loss.item())
        return record

    @wrong("sum in place of the mean")
    def sums(model, batches, steps, every):
        adam, record, total = torch.optim.Adam(model.parameters(), lr=0.05), [], 0.0
        for step in gm.train(model, batches, adam, steps=steps):
            total += step.loss.item()
            if step.index % every == 0:
                record.append(total)
                total = 0.0
        return record

    @wrong("mean since the start")
    def never_reset(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        record, losses = [], []
        for step in gm.train(model, batches, adam, steps=steps):
            losses.append(step.loss.item())
            if step.index % every == 0:
                record.append(sum(losses) / len(losses))
        return record

    @wrong("blocks shifted by one")
    def counted_from_zero(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        record, block = [], []
        for i, step in enumerate(gm.train(model, batches, adam, steps=steps)):
            block.append(step.loss.item())
            if i % every == 0:
                record.append(sum(block) / len(block))
                block = []
        return record

    @wrong("incomplete block recorded")
    def remainder(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        losses = [step.loss.item() for step in run]
        blocks = [losses[i : i + every] for i in range(0, steps, every)]
        return [sum(block) / len(block) for block in blocks]

    @wrong("tensors in place of numbers")
    def tensors(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        losses = torch.stack([step.loss for step in run])
        return list(losses[: steps // every * every].view(-1, every).mean(1))

    @wrong("array in place of a list")
    def array(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        losses = np.array([step.loss.item() for step in run])
        return losses[: steps // every * every].reshape(-1, every).mean(1)

    @wrong("loss after the update")
    def looked_at_afterward(model, batches, steps, every):
        adam, losses = torch.optim.Adam(model.parameters(), lr=0.05), []
        for _ in range(steps):
            x = next(batches)
            adam.zero_grad()
            model.loss(x).backward()
            adam.step()
            losses.append(model.loss(x).item())
        blocks = range(0, steps - every + 1, every)
        return [sum(losses[i : i + every]) / every for i in blocks]

    @wrong("gradients added up")
    def without_zero_grad(model, batches, steps, every):
        adam, losses = torch.optim.Adam(model.parameters(), lr=0.05), []
        for _ in range(steps):
            loss = model.loss(next(batches))
            loss.backward()
            adam.step()
            losses.append(loss.item())
        blocks = range(0, steps - every + 1, every)
        return [sum(losses[i : i + every]) / every for i in blocks]

    @wrong("one batch for all")
    def the_first_batch(model, batches, steps, every):
        adam, losses = torch.optim.Adam(model.parameters(), lr=0.05), []
        x = next(batches)
        for step in gm.train(model, iter(lambda: x, None), adam, steps=steps):
            losses.append(step.loss.item())
        blocks = range(0, steps - every + 1, every)
        return [sum(losses[i : i + every]) / every for i in blocks]

    @wrong("batches taken besides")
    def evaluated_anew(model, batches, steps, every):
        adam, record = torch.optim.Adam(model.parameters(), lr=0.05), []
        block = []
        for step in gm.train(model, batches, adam, steps=steps):
            block.append(model.loss(next(batches)).item())
            if step.index % every == 0:
                record.append(sum(block) / every)
                block = []
        return record

    @wrong("batches taken besides")
    def two_loops_in_one(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        record, block = [], []
        for step in gm.train(model, batches, adam, steps=steps):
            loss = model.loss(next(batches))
            adam.zero_grad()
            loss.backward()
            adam.step()
            block.append(loss.item())
            if step.index % every == 0:
                record.append(sum(block) / every)
                block = []
        return record

    @wrong("wrong number of updates")
    def left_early(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        record, block = [], []
        for step in gm.train(model, batches, adam, steps=steps - 1):
            block.append(step.loss.item())
            if step.index % every == 0 or step.index == steps - 1:
                record.append(sum(block) / len(block))
                block = []
        return record

    @wrong("wrong number of updates")
    def full_blocks_only(model, batches, steps, every):
        adam, record = torch.optim.Adam(model.parameters(), lr=0.05), []
        for _ in range(steps // every):
            run = gm.train(model, batches, adam, steps=every)
            record.append(sum(step.loss.item() for step in run) / every)
        return record

    @wrong("another optimizer than Adam")
    def plain_descent(model, batches, steps, every):
        sgd = torch.optim.SGD(model.parameters(), lr=0.05)
        run = gm.train(model, batches, sgd, steps=steps)
        losses = torch.stack([step.loss for step in run])
        return losses[: steps // every * every].view(-1, every).mean(1).tolist()

    @wrong("another optimizer than Adam")
    def with_decay(model, batches, steps, every):
        adam = torch.optim.AdamW(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        losses = torch.stack([step.loss for step in run])
        return losses[: steps // every * every].view(-1, every).mean(1).tolist()

    @wrong("default learning rate")
    def without_lr(model, batches, steps, every):
        adam = torch.optim.Adam(model.parameters())
        run = gm.train(model, batches, adam, steps=steps)
        losses = torch.stack([step.loss for step in run])
        return losses[: steps // every * every].view(-1, every).mean(1).tolist()

    @wrong("optimizer made anew on the way")
    def new_for_each_block(model, batches, steps, every):
        record = []
        for _ in range(steps // every):
            adam = torch.optim.Adam(model.parameters(), lr=0.05)
            run = gm.train(model, batches, adam, steps=every)
            record.append(sum(step.loss.item() for step in run) / every)
        return record

    @wrong("optimizer made anew on the way")
    def new_for_each_step(model, batches, steps, every):
        losses = []
        for _ in range(steps):
            adam = torch.optim.Adam(model.parameters(), lr=0.05)
            for step in gm.train(model, batches, adam, steps=1):
                losses.append(step.loss)
        losses = torch.stack(losses)[: steps // every * every]
        return losses.view(-1, every).mean(1).tolist()

    @wrong("a copy was trained")
    def copied(model, batches, steps, every):
        model = copy.deepcopy(model)
        adam = torch.optim.Adam(model.parameters(), lr=0.05)
        run = gm.train(model, batches, adam, steps=steps)
        losses = torch.stack([step.loss for step in run])
        return losses[: steps // every * every].view(-1, every).mean(1).tolist()
