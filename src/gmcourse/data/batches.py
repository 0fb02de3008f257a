"""Batches of a set that lies in memory.

The sets of the course fit in memory, most of them in a GPU's. One uint8 tensor on
the device and an index per batch is all the input pipeline that is needed: no worker
processes, no copying of single images, nothing to tune.
"""

import hashlib
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from .._arguments import integer

_DTYPES = (torch.uint8, torch.float32, torch.float64, torch.int64, torch.bool)
_KEYS = ("batch_size", "digest", "epoch", "n", "position", "seed", "shuffle")


class Batches:
    """An endless stream of shuffled batches from tensors in memory.

    Every epoch is one pass in an order of its own, drawn from `seed` and the epoch's
    number alone: the global random streams are not touched, and the order is the
    same on every device. The object is its own iterator and continues where it
    stopped: a `for` loop that is left and entered again goes on with the next batch.
    It never ends, so leave the loop with `break` (or let `train` count the steps);
    `list(batches)` does not return. Use `epoch()` for one finite pass.

    Args:
        x: data, (n, *event_shape): uint8 pixels, float32, or int64 tokens.
        c: what the model is told of each x, or None: int64 labels, (n,), or arrays
            of the types of x, such as images, (n, ...).
        batch_size: examples per batch, from 1 to n.
        transform: applied to each batch of x on its device, e.g. `to_unit`.
        transform_c: applied to each batch of c.
        device: where the data is to live; None leaves it where it is.
        shuffle: False keeps the order of x in every epoch.
        seed: of the shuffling, from 0 to 2**63 - 1.
        drop_last: leave out the rows that do not fill a batch at the end of an
            epoch (which rows differs from epoch to epoch when shuffling).

    Yields:
        x (batch_size, *event_shape) when c is None, else the pair (x, c).

    Raises:
        TypeError: x or c is no tensor or has another dtype; a non-integer size.
        ValueError: no data, NaN or infinity in x or c, c of another length than x, or
            a batch_size that is not in 1..n.

    >>> batches = Batches(torch.arange(6), batch_size=4, drop_last=False, shuffle=False)
    >>> next(batches), next(batches), next(batches), len(batches)
    (tensor([0, 1, 2, 3]), tensor([4, 5]), tensor([0, 1, 2, 3]), 2)
    """

    def __init__(
        self,
        x: Shaped[Tensor, "n *event_shape"],
        c: Shaped[Tensor, "..."] | None = None,
        *,
        batch_size: int,
        transform: Callable[[Tensor], Tensor] | None = None,
        transform_c: Callable[[Tensor], Tensor] | None = None,
        device: torch.device | str | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = True,
    ) -> None:
        _check("x", x)
        n = len(x)
        if c is not None:
            _check("c", c)
            if len(c) != n:
                raise ValueError(
                    f"c must hold one label or one array for each of {n} examples; got "
                    f"the shape {tuple(c.shape)}."
                )
        batch_size = integer("batch_size", batch_size, least=None)
        if not 1 <= batch_size <= n:
            raise ValueError(
                f"batch_size must be from 1 to the number of examples, {n}; "
                f"got {batch_size}."
            )
        for name, f in (("transform", transform), ("transform_c", transform_c)):
            if f is not None and not callable(f):
                raise TypeError(
                    f"{name} must be a function such as to_unit, or None; "
                    f"got {type(f).__name__}."
                )
        self.x = x.detach().to(device)
        self.c = None if c is None else c.detach().to(self.x.device)
        self.batch_size = batch_size
        self.transform, self.transform_c = transform, transform_c
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = integer("seed", seed, 0, 2**63 - 1)
        # Where an epoch ends: the last row that a batch may hold.
        self._end = n - n % batch_size if drop_last else n
        self._known: int | None = None
        self._start(0)

    def __len__(self) -> int:
        """Batches per epoch."""
        return math.ceil(self._end / self.batch_size)

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Tensor | tuple[Tensor, Tensor]:
        if self._position >= self._end:
            self._start(self._epoch + 1)
        start = self._position
        stop = min(start + self.batch_size, self._end)
        self._position = stop
        if self._order is None:
            rows = slice(start, stop)
            x, c = self.x[rows], None if self.c is None else self.c[rows]
        else:
            # index_select is the fastest gather of rows on CPU and on CUDA.
            rows = self._order[start:stop]
            x = self.x.index_select(0, rows)
            c = None if self.c is None else self.c.index_select(0, rows)
        return self._transformed(x, c)

    def _transformed(
        self, x: Tensor, c: Tensor | None
    ) -> Tensor | tuple[Tensor, Tensor]:
        if self.transform is not None:
            x = self.transform(x)
        if c is None:
            return x
        return x, c if self.transform_c is None else self.transform_c(c)

    def epoch(self) -> Iterator[Tensor | tuple[Tensor, Tensor]]:
        """One pass in the order of x, with the smaller last batch kept.

        For evaluation: it leaves the position of the endless stream alone. A random
        transform draws from the global stream: wrap the loop in `seeded(...)` to
        see the same pixels each time.
        """
        for start in range(0, len(self.x), self.batch_size):
            rows = slice(start, start + self.batch_size)
            c = None if self.c is None else self.c[rows]
            yield self._transformed(self.x[rows], c)

    def state_dict(self) -> dict[str, Tensor]:
        """The position in the stream, as int64 scalars.

        An object made with the same data and given this state goes on with exactly
        the batches that would have followed here.
        """
        values = {
            "batch_size": self.batch_size,
            "digest": self._digest(),
            "epoch": self._epoch,
            "n": len(self.x),
            "position": self._position,
            "seed": self.seed,
            "shuffle": int(self.shuffle),
        }
        return {key: torch.tensor(value) for key, value in values.items()}

    def _digest(self) -> int:
        """A number that other data is unlikely to have: of up to 256 rows of each."""
        if self._known is None:
            sha = hashlib.sha256()
            for values in (self.x, self.c):
                if values is not None:
                    some = values[:: len(values) // 256 + 1].cpu()
                    sha.update(some.numpy().tobytes())
            self._known = int.from_bytes(sha.digest()[:8], "big") >> 1
        return self._known

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go to the position of a `state_dict()`.

        Raises:
            ValueError: the state belongs to other data, another batch size or seed,
                or is not a state of Batches. Nothing is changed then.
        """
        if set(state) != set(_KEYS):
            raise ValueError(
                f"a state of Batches has the keys {', '.join(_KEYS)}; "
                f"got {', '.join(sorted(map(str, state))) or 'none'}."
            )
        values = {key: int(value) for key, value in state.items()}
        mine = self.state_dict()
        for key in ("n", "batch_size", "seed", "shuffle"):
            if values[key] != mine[key]:
                raise ValueError(
                    f"the state was saved with {key} = {values[key]}, these Batches "
                    f"have {key} = {int(mine[key])}: resume with the data, the batch "
                    "size and the seed of the first run."
                )
        if values["digest"] != mine["digest"]:
            raise ValueError(
                "the state was saved with other data, as many examples but not the "
                "same: resume with the data of the first run."
            )
        epoch, position = values["epoch"], values["position"]
        whole = position % self.batch_size == 0 or position == self._end
        if epoch < 0 or not 0 <= position <= self._end or not whole:
            raise ValueError(
                f"no such place in the stream: epoch {epoch}, position {position}. "
                "The state is damaged, or drop_last differs."
            )
        self._start(epoch)
        self._position = position

    def _start(self, epoch: int) -> None:
        self._epoch, self._position, self._order = epoch, 0, None
        if self.shuffle:
            # SeedSequence mixes the pair, so that the orders of (seed 0, epoch 1)
            # and (seed 1, epoch 0) have nothing in common. A list [seed, epoch]
            # would not do: [0, 1] and [2**32, 0] mean the same to it.
            mixed = np.random.SeedSequence(self.seed, spawn_key=(epoch,))
            seed = int(mixed.generate_state(1, np.uint64)[0]) >> 1
            generator = torch.Generator().manual_seed(seed)
            # Not on the default device, where the generator is not.
            order = torch.randperm(len(self.x), generator=generator, device="cpu")
            self._order = order.to(self.x.device)


def _check(name: str, x: Tensor) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name} must be a tensor; got {type(x).__name__}. "
            f"torch.as_tensor({name}) converts an array."
        )
    if x.dtype not in _DTYPES:
        raise TypeError(
            f"{name} must be uint8 (pixels), float32 or int64 (tokens, labels); got "
            f"{x.dtype}. Convert it with {name}.float() or {name}.long()."
        )
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(
            f"{name} must hold at least one example along its first axis; "
            f"got the shape {tuple(x.shape)}."
        )
    if x.is_floating_point() and not torch.isfinite(x).all():
        bad = (~torch.isfinite(x)).reshape(len(x), -1).any(1).nonzero()
        raise ValueError(
            f"{name} holds NaN or infinity in {len(bad)} of {len(x)} examples, the "
            f"first at index {int(bad[0])}: remove or repair them before training."
        )
