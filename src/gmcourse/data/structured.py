"""Small discrete sets whose truth is computed: patterns, a spin lattice, languages.

`BarsAndStripes` and `Ising` have exact log-probabilities and exact samples; of a string
of `Dyck` or `Arithmetic` one can tell whether it is right, so that a text model is
measured by the share of valid samples. All draw from torch's global generator. A size
out of range or values of another kind raise ValueError; what is no integer or no float
tensor where one is due raises TypeError.
"""

import math
from functools import cached_property

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from .._arguments import integer, on_cpu
from .languages import Arithmetic, Dyck

__all__ = ["CRITICAL_COUPLING", "Arithmetic", "BarsAndStripes", "Dyck", "Ising"]

# Of the infinite square lattice: Onsager (1944), sinh(2 J) = 1.
CRITICAL_COUPLING = math.log(1 + math.sqrt(2)) / 2
LOG_2 = math.log(2)


class BarsAndStripes:
    """Binary images of which either all rows or all columns are constant.

    A coin decides between bars (columns) and stripes (rows), and one more coin sets
    each line (MacKay 2003, chapter 43). Of the 2^(side + 1) - 2 patterns all-zero and
    all-one come about in both ways and are twice as likely as the others.

    >>> BarsAndStripes(4).support().shape
    torch.Size([30, 1, 4, 4])
    """

    def __init__(self, side: int = 4):
        self.side = integer("side", side, 1, 64)
        self.event_shape = (1, side, side)

    @on_cpu
    def support(self) -> Float32[Tensor, "patterns 1 side side"]:
        """Every pattern once. For a side of at most 16."""
        side = integer("side", self.side, 1, 16)
        lines = _binary_numbers(side)
        bars = lines[:, None, None, :].expand(-1, 1, side, side)
        # the constant patterns, first and last, are bars and stripes alike
        return torch.cat([bars, bars[1:-1].mT])

    @on_cpu
    def sample(self, n: int) -> Float32[Tensor, "n 1 side side"]:
        """n images of zeros and ones."""
        lines = torch.randint(2, (integer("n", n, 0), 1, 1, self.side)).float()
        bars = lines.expand(n, *self.event_shape)
        return torch.where(torch.rand(n, 1, 1, 1) < 0.5, bars, bars.mT)

    def log_prob(self, x: Float[Tensor, "b 1 side side"]) -> Float[Tensor, " b"]:
        """log p(x) in nats; minus infinity for what is neither bars nor stripes.

        Raises:
            ValueError: a value other than 0 and 1, or another shape.
        """
        _values(x, self.event_shape, (0.0, 1.0))
        bars = (x == x[..., :1, :]).flatten(1).all(1)
        stripes = (x == x[..., :, :1]).flatten(1).all(1)
        ways = bars.to(x.dtype) + stripes.to(x.dtype)
        return ways.log() - (self.side + 1) * LOG_2

    @property
    def entropy(self) -> float:
        """In nats: (side + 1 - 2^(1 - side)) log 2."""
        return (self.side + 1 - 2.0 ** (1 - self.side)) * LOG_2


class Ising:
    """Spins of -1 and 1 on a square lattice with free edges, p(x) = exp(-U(x)) / Z.

    U(x) = -coupling sum over neighbors x_i x_j - field sum over sites x_i; the
    temperature is contained in both. The sum over all 2^(side^2) states is exact, done
    row by row through the 2^side states of a row (transfer matrix, Kramers & Wannier
    1941); sampling goes back through the same sums. For a side of at most 10.

    >>> x = torch.ones(1, 1, 3, 3)
    >>> round(Ising(3, coupling=0.5).energy(x).item(), 3)  # 12 pairs
    -6.0
    """

    def __init__(
        self, side: int = 8, coupling: float = CRITICAL_COUPLING, field: float = 0.0
    ):
        self.side = integer("side", side, 1, 10)
        self.event_shape = (1, side, side)
        for name, value in (("coupling", coupling), ("field", field)):
            if not math.isfinite(value):
                raise ValueError(f"{name} is {value}: expected a finite number")
        self.coupling, self.field = float(coupling), float(field)
        self._rows = 2 * _binary_numbers(side).double() - 1  # (2^side, side)

    def energy(self, x: Float[Tensor, "b 1 side side"]) -> Float[Tensor, " b"]:
        """U(x), in units of the temperature."""
        _values(x, self.event_shape, (-1.0, 1.0))
        across = (x[..., :, 1:] * x[..., :, :-1]).flatten(1).sum(1)
        down = (x[..., 1:, :] * x[..., :-1, :]).flatten(1).sum(1)
        return -self.coupling * (across + down) - self.field * x.flatten(1).sum(1)

    def _forward(self, coupling: Tensor, field: Tensor) -> tuple[list[Tensor], Tensor]:
        """Per row: log of the sum over all rows above, for each state of this row; and
        the log-factors between the states of two neighboring rows."""
        rows = self._rows
        within = coupling * (rows[:, 1:] * rows[:, :-1]).sum(1) + field * rows.sum(1)
        between = coupling * rows @ rows.T
        sums = [within]
        for _ in range(self.side - 1):
            sums.append(within + (sums[-1][:, None] + between).logsumexp(0))
        return sums, between

    @cached_property
    @on_cpu
    def _parameters(self) -> tuple[Tensor, Tensor]:
        coupling, field = torch.tensor([self.coupling, self.field], dtype=torch.float64)
        return coupling, field

    @cached_property
    def log_partition(self) -> float:
        """log Z, exact."""
        return self._forward(*self._parameters)[0][-1].logsumexp(0).item()

    @cached_property
    def entropy(self) -> float:
        """In nats: log Z + E[U], with E[U] from the derivatives of log Z."""
        with torch.enable_grad():
            parameters = [p.detach().requires_grad_() for p in self._parameters]
            log_z = self._forward(*parameters)[0][-1].logsumexp(0)
            slopes = torch.autograd.grad(log_z, parameters)
        return (log_z - sum(p * s for p, s in zip(parameters, slopes))).item()

    def log_prob(self, x: Float[Tensor, "b 1 side side"]) -> Float[Tensor, " b"]:
        """log p(x) in nats, exact."""
        return -self.energy(x) - self.log_partition

    @on_cpu
    def sample(self, n: int) -> Float32[Tensor, "n 1 side side"]:
        """n independent, exact samples: the last row first, then upward, each row
        given the one below it."""
        sums, between = self._forward(*self._parameters)
        below = torch.zeros(integer("n", n, 0), dtype=torch.int64)
        bond = torch.zeros_like(between)  # nothing lies below the last row
        states = []
        for log_sum in reversed(sums):
            # one row of the table per state of the row below
            table = (log_sum + bond.T).softmax(-1).cumsum(-1)
            u = torch.rand(n, 1, dtype=torch.float64)
            parts = zip(below.split(1024), u.split(1024))  # 8 MB a part, not 8 KB * n
            below = torch.cat(
                [torch.searchsorted(table[s], v, right=True)[:, 0] for s, v in parts]
            ).clamp(max=len(table) - 1)  # the sum of a row may round below one
            states.append(below)
            bond = between
        lattice = torch.stack(states[::-1], 1)
        return self._rows.float()[lattice][:, None]


@on_cpu
def _binary_numbers(bits: int) -> Float32[Tensor, "numbers bits"]:
    """0 to 2^bits - 1 in order, as rows of zeros and ones."""
    place = 2 ** torch.arange(bits)
    return (torch.arange(2**bits)[:, None] // place % 2).float()


def _values(x: Tensor, event_shape: tuple, allowed: tuple[float, float]) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        given = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"x is {given}; expected a float tensor: x.float() makes one")
    if x.shape[1:] != event_shape or x.dim() != 4:
        raise ValueError(f"x {tuple(x.shape)}; expected (b, *{event_shape})")
    low, high = allowed
    if not ((x == low) | (x == high)).all():
        raise ValueError(f"x: expected the values {low:g} and {high:g} alone")
