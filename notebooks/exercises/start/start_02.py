"""Versions of exercise start-02."""

import copy
import random

import numpy as np
import torch

from .. import build, reference, right, wrong


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
