"""Versions of the exercises of the chapter that opens the course."""

import copy
import random

import numpy as np
import torch

import gmcourse as gm

from . import build, reference, right, wrong


class Start01:
    """The two steps do not depend on each other, and either may come first. What must
    come before any arithmetic is `.float()`: uint8 counts modulo 256 and raises no
    error. The library's `gm.data.to_symmetric` does the second step, and its sets
    already come with the channels first."""

    @reference
    def to_batch(pixels):
        x = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 127.5 - 1

    @right
    def by_permute(pixels):
        x = pixels[..., None] if pixels.ndim == 3 else pixels
        return (x.permute(0, 3, 1, 2).float() - 127.5) / 127.5

    @right
    def by_stack(pixels):
        parts = [pixels] if pixels.ndim == 3 else [pixels[..., k] for k in range(3)]
        return torch.stack(parts, dim=1).to(torch.float32).mul(2).div(255).sub(1)

    @right
    def by_loops(pixels):
        x = pixels if pixels.ndim == 4 else pixels[..., None]
        b, h, w, channels = x.shape
        out = torch.empty(b, channels, h, w)
        for i in range(b):
            for k in range(channels):
                out[i, k] = x[i, :, :, k] * (2 / 255) - 1
        return out

    @right
    def by_table(pixels):
        x = torch.linspace(-1, 1, 256)[pixels.long()]
        return x[:, None] if x.ndim == 3 else x.transpose(2, 3).transpose(1, 2)

    @right
    def by_numpy(pixels):
        x = pixels.numpy().astype(np.float32)
        x = x[:, None] if x.ndim == 3 else np.moveaxis(x, 3, 1)
        return torch.from_numpy(np.ascontiguousarray(x / 255 * 2 - 1))

    @wrong("channels left last")
    def as_they_are(pixels):
        x = pixels if pixels.ndim == 4 else pixels[..., None]
        return x.float() / 127.5 - 1

    @wrong("channels left last")
    def gray_axis_at_the_end(pixels):
        x = pixels.movedim(-1, 1) if pixels.ndim == 4 else pixels[..., None]
        return x.float() / 127.5 - 1

    @wrong("channels before the batch")
    def channel_first_of_all(pixels):
        x = pixels[None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 127.5 - 1

    @wrong("channels before the batch")
    def colors_to_the_front(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 0)
        return x.float() / 127.5 - 1

    @wrong("channel axis of gray pictures missing")
    def gray_as_it_is(pixels):
        x = pixels.movedim(-1, 1) if pixels.ndim == 4 else pixels
        return x.float() / 127.5 - 1

    @wrong("height and width swapped")
    def transposed(pixels):
        x = pixels if pixels.ndim == 4 else pixels[..., None]
        return x.transpose(1, 3).float() / 127.5 - 1

    @wrong("reshaped where an axis was to be moved")
    def reshaped(pixels):
        b, h, w = pixels.shape[:3]
        return pixels.reshape(b, -1, h, w).float() / 127.5 - 1

    @wrong("colors averaged away")
    def to_gray(pixels):
        x = pixels.float() if pixels.ndim == 3 else pixels.float().mean(-1)
        return x[:, None] / 127.5 - 1

    @wrong("order of the colors changed")
    def blue_first(pixels):
        if pixels.ndim == 3:
            return pixels[:, None].float() / 127.5 - 1
        return pixels.flip(-1).movedim(-1, 1).float() / 127.5 - 1

    @wrong("case told by the size of an axis")
    def three_means_color(pixels):
        color = pixels.shape[-1] == 3
        x = pixels.movedim(-1, 1) if color else pixels[:, None]
        return x.float() / 127.5 - 1

    @wrong("range 0 to 1")
    def unit(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 255

    @wrong("divided by 256")
    def by_256(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 128 - 1

    @wrong("divided by 256")
    def middles_of_256(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.float() + 0.5) / 128 - 1

    @wrong("divided by 256")
    def less_127(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.float() - 127) / 128

    @wrong("levels lost")
    def in_16_bits(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.bfloat16() / 127.5 - 1).float()

    @wrong("left at 0 to 255")
    def only_float(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float()

    @wrong("bytes that wrap around")
    def doubled_bytes(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return 2 * x / 255 - 1

    @wrong("bytes that wrap around")
    def shifted_bytes(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x - 128) / 127.5

    @wrong("levels lost")
    def integer_division(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (2 * x.int() // 255 - 1).float()

    @wrong("scaled by the picture's own statistics")
    def stretched(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        x = x.float()
        low, high = x.amin((1, 2, 3), True), x.amax((1, 2, 3), True)
        return 2 * (x - low) / (high - low).clamp(min=1) - 1

    @wrong("scaled by the picture's own statistics")
    def standardized(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        x = x.float()
        return (x - x.mean()) / x.std()

    @wrong("batch axis lost")
    def squeezed(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float().squeeze(0) / 127.5 - 1

    @wrong("wrong dtype")
    def double(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.double() / 127.5 - 1

    @wrong("wrong dtype")
    def rounded_back(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.float() / 127.5 - 1).to(torch.int8)

    @wrong("not a tensor")
    def array(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float().numpy() / 127.5 - 1

    @wrong("input changed in place")
    def in_place(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.sub_(128).float() / 127.5


class Start02:
    """`torch.random.fork_rng` keeps the state and puts it back, also after an error;
    `gm.seeded` is these two lines, and the same for every GPU. Where a function takes
    `generator=`, a stream of your own is simpler still; much of
    `torch.distributions`, and every layer with dropout, does not."""

    @reference
    def repeatable(draw, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return draw()

    @right
    def by_finally(draw, seed):
        state = torch.get_rng_state()
        try:
            torch.manual_seed(seed)
            return draw()
        finally:
            torch.set_rng_state(state)

    @right
    def by_except(draw, seed):
        state = torch.random.get_rng_state()
        torch.manual_seed(seed)
        try:
            result = draw()
        except BaseException:
            torch.random.set_rng_state(state)
            raise
        torch.random.set_rng_state(state)
        return result

    @right
    def by_state_of_a_generator(draw, seed):
        outer = torch.default_generator.get_state()
        own = torch.Generator().manual_seed(seed)
        try:
            torch.default_generator.set_state(own.get_state())
            return draw()
        finally:
            torch.default_generator.set_state(outer)

    @right
    @build
    def by_class():
        class Stream:
            def __init__(self, seed):
                self.state = torch.Generator().manual_seed(seed).get_state()

            def __enter__(self):
                self.outer = torch.get_rng_state()
                torch.set_rng_state(self.state)

            def __exit__(self, *error):
                torch.set_rng_state(self.outer)

        def repeatable(draw, seed):
            with Stream(seed):
                return draw()

        return repeatable

    @wrong("seed ignored")
    def plain(draw, seed):
        return draw()

    @wrong("seed ignored")
    def generator_that_draw_does_not_see(draw, seed):
        torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            return draw()

    @wrong("seed ignored")
    def seeds_of_others(draw, seed):
        state = torch.get_rng_state()
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            return draw()
        finally:
            torch.set_rng_state(state)

    @wrong("seed ignored")
    def seeded_too_late(draw, seed):
        with torch.random.fork_rng(devices=[]):
            result = draw()
            torch.manual_seed(seed)
            return result

    @wrong("one seed for all")
    def seed_zero(draw, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return draw()

    @wrong("global random state reseeded")
    def never_restored(draw, seed):
        torch.manual_seed(seed)
        return draw()

    @wrong("global random state reseeded")
    def a_fresh_seed_afterward(draw, seed):
        torch.manual_seed(seed)
        result = draw()
        torch.seed()
        return result

    @wrong("outer stream started again")
    def seeded_back(draw, seed):
        outer = torch.initial_seed()
        torch.manual_seed(seed)
        try:
            return draw()
        finally:
            torch.manual_seed(outer)

    @wrong("outer stream moved on")
    def kept_too_late(draw, seed):
        torch.rand(1)
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        try:
            return draw()
        finally:
            torch.set_rng_state(state)

    @wrong("outer stream moved on")
    def with_a_warm_up(draw, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            result = draw()
        torch.randn(1)
        return result

    @wrong("outer stream lost after an error")
    def restored_on_success(draw, seed):
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        result = draw()
        torch.set_rng_state(state)
        return result

    @wrong("error swallowed")
    def every_error_caught(draw, seed):
        state, result = torch.get_rng_state(), None
        try:
            torch.manual_seed(seed)
            result = draw()
        except Exception:
            pass
        torch.set_rng_state(state)
        return result

    @wrong("result of an earlier call")
    @build
    def cached():
        kept = {}

        def repeatable(draw, seed):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                if seed not in kept:
                    kept[seed] = draw()
                return kept[seed]

        return repeatable

    @wrong("drawn more than once")
    def looked_at_first(draw, seed):
        with torch.random.fork_rng(devices=[]):
            draw()
            torch.manual_seed(seed)
            return draw()

    @wrong("result changed")
    def own_noise(draw, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            draw()
            return torch.randn(2)

    @wrong("result changed")
    def copied(draw, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return copy.deepcopy(draw())


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
