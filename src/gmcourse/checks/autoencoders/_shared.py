"""What several exercises of this topic share."""

import torch
from torch import Tensor, nn


class Spy(nn.Module):
    """An encoder that keeps what it was given and passes it on."""

    def __init__(self):
        super().__init__()
        self.seen: list[Tensor] = []
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return self.gain * x


class Constant(nn.Module):
    """A decoder whose answer does not depend on the code."""

    def __init__(self, value: float):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, z):
        return self.value + 0 * z
