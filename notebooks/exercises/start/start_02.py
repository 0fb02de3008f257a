"""Versions of exercise start-02."""

import functools

import torch

from .. import build, edits, reference, right, wrong


class Start02:
    """`torch.random.fork_rng` keeps the state and puts it back, also after an error.
    `torch.manual_seed(seed)` in place of the second line would leave a trace on a
    machine with a GPU: it seeds the streams of all devices, and with `devices=[]` only
    that of the CPU is put back. `gm.seeded` calls it, and therefore keeps the streams
    of all CUDA devices too. Where a function takes `generator=`, a stream of your own
    is simpler still; `sample` in `torch.distributions` and layers with dropout take
    none."""

    @reference
    def repeatable(draw, seed):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return draw()

    @right
    def by_manual_seed(draw, seed):  # what becomes of a GPU's stream is not asked
        with torch.random.fork_rng():
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

    edited = edits(
        by_manual_seed,
        """
    seed ignored | torch.manual_seed(seed) -> torch.Generator().manual_seed(seed)
    seed ignored | torch.manual_seed -> __import__("random").seed
    seed ignored | torch.manual_seed -> __import__("numpy").random.seed
    seed ignored | torch.manual_seed(seed) -> result = draw()
        | return draw() -> torch.manual_seed(seed); return result
    seed ignored | torch.manual_seed -> if seed: torch.manual_seed
    one seed for all | (seed) -> (0)
    one seed for all | (seed) -> (seed % 2)
    one seed for all | (seed) -> (seed % 1000)
    depends on the outer stream | (seed) -> (seed + torch.initial_seed() % 1000)
    depends on the outer stream | (seed) -> (seed + int(1000 * torch.rand(1)))
    outer stream not put back | with torch.random.fork_rng(): -> if True:
    put back to one place each time | with torch.random.fork_rng(): -> if True:
        | return draw() -> result = draw(); torch.manual_seed(0); return result
    draw never called | return draw() -> return draw
    other numbers at each call | (seed) -> (seed + __import__("time").time_ns() % 9999)
    outer stream seeded anew | with torch.random.fork_rng(): -> if True:
        | return draw() -> result = draw(); torch.seed(); return result
    outer stream lost after an error
        | with torch.random.fork_rng(): -> for s in [torch.get_rng_state()]:
        | return draw() -> result = draw(); torch.set_rng_state(s); return result
    drawn more than once | torch.manual_seed -> draw(); torch.manual_seed
    result changed | return draw() -> draw(); return torch.randn(2)
    result changed | return draw() -> return [draw()]
    result changed | return draw() -> return torch.randn_like(draw())
    result changed | return draw() -> return __import__("copy").deepcopy(draw())
    """,
    )
    edited_too = edits(
        by_finally,
        """
    outer stream started again
        | get_rng_state() -> initial_seed() | set_rng_state -> manual_seed
    outer stream moved on | state = -> torch.rand(1); state =
    outer stream at another place | set_rng_state(state)
        -> set_rng_state(state); torch.randn(9999)
    outer stream moved on | set_rng_state(state) -> set_rng_state(state); torch.randn(1)
    """,
    )
    of_errors = edits(
        by_except,
        """
    error swallowed | raise -> result = None
    error replaced | raise -> raise RuntimeError("draw failed")
    drawn more than once | raise -> result = draw()
    outer stream lost after an error | except BaseException -> except ValueError
    """,
    )

    @wrong("put back to one place each time")
    @build
    def state_of_the_first_call():
        states = []

        def repeatable(draw, seed):
            states.append(torch.get_rng_state())
            torch.manual_seed(seed)
            try:
                return draw()
            finally:
                torch.set_rng_state(states[0])

        return repeatable

    @wrong("result of an earlier call")
    @build
    def kept_by_seed():
        kept = {}

        def repeatable(draw, seed):
            if seed not in kept:
                kept[seed] = Start02.repeatable(draw, seed)
            return kept[seed]

        return repeatable

    @wrong("result of an earlier call")
    @build
    def kept_by_all():
        return functools.cache(Start02.repeatable)
