"""The battery holds what it claims: a wrong model for each of its checks."""

import pytest
import torch
from torch import nn

from gmcourse import GenerativeModel, Labels, seeded
from gmcourse.testing import check_model


class Normal(GenerativeModel):
    """A normal distribution with a mean and a width that are learned."""

    exact, event_shape = True, (2,)

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(2))
        self.log_std = nn.Parameter(torch.zeros(2))
        self.part = nn.Identity()

    def log_prob(self, x):
        self.check(x)
        eps = (x - self.mean) * (-self.log_std).exp()
        constant = torch.log(torch.tensor(2 * torch.pi, dtype=x.dtype))
        return (-0.5 * eps.square() - self.log_std - 0.5 * constant).sum(1)

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None):
        return self.mean + self.log_std.exp() * self.noise(n, 2)


class SwitchesToTrain(Normal):
    def loss(self, x, c=None):
        self.part.train()
        return super().loss(x, c)


class ForgetsWhatWasFrozen(Normal):
    """Train or eval mode come back for the whole, not for each part."""

    def sample(self, n, c=None, **how):
        mode = self.training
        x = super().sample(n, c, **how)
        return self.train(mode) and x


class SaysNothing(Normal):
    def check_x(self, x):
        try:
            super().check_x(x)
        except Exception as error:
            raise type(error)("no") from None


class KeyErrors(Normal):
    def check_x(self, x):
        try:
            super().check_x(x)
        except Exception:
            raise KeyError("x has another shape than what is expected") from None


class UnknownPlayer(Normal):
    def losses(self, x, c=None):
        yield "nobody", self.loss(x, c)


class NeedsTwo(Normal):
    def loss(self, x, c=None):
        return super().loss(x, c) + 0 * x.std(0).sum()


class SinglePrecision(Normal):
    def loss(self, x, c=None):
        return super().loss(x, c).float()


class Climbs(Normal):
    """The right value with the gradient the wrong way round."""

    def loss(self, x, c=None):
        loss = super().loss(x, c)
        return 2 * loss.detach() - loss


class Counts(Normal):
    """Each call gives a little more, also in eval mode."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def loss(self, x, c=None):
        self.calls += 1
        return super().loss(x, c) + 1e-6 * self.calls


class OneTooMany(Normal):
    def draw(self, n, c=None):
        return super().draw(n + 1)


class Doubles(Normal):
    def draw(self, n, c=None):
        return super().draw(n).double()


class Infinite(Normal):
    def draw(self, n, c=None):
        return super().draw(n) / 0


class KeepsTheGraph(Normal):
    def sample(self, n, c=None, **how):
        super().sample(n, c, **how)
        return self.mean + self.noise(n, 2)


class Constant(Normal):
    exact = False

    def draw(self, n, c=None):
        return self.mean + torch.arange(2.0 * n).view(n, 2)


class OwnStream(Normal):
    """Draws from a stream that no seed reaches."""

    exact = False
    stream = torch.Generator().manual_seed(0)

    def draw(self, n, c=None):
        return self.mean + torch.randn(n, 2, generator=self.stream)


class TakesAnyCount(Normal):
    def sample(self, n, c=None, **how):
        return super().sample(int(n), c, **how)


class ColumnOfNumbers(Normal):
    exact = True

    def log_prob(self, x):
        return super().log_prob(x)[:, None]

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()


class TwoPlayers(Normal):
    """The second one never has a turn."""

    def __init__(self):
        super().__init__()
        self.other = nn.Parameter(torch.zeros(1))

    def players(self):
        return {"a": [self.mean, self.log_std], "b": [self.other]}

    def losses(self, x, c=None):
        yield "a", self.loss(x, c)


class Labeled(GenerativeModel):
    """A mean for each label: nothing wrong."""

    def __init__(self):
        super().__init__()
        self.event_shape, self.condition = (2,), Labels(3)
        self.mean = nn.Embedding(3, 2)

    def loss(self, x, c=None):
        self.check(x, c)
        return (x - self.mean(c)).square().sum(1).mean()

    def draw(self, n, c=None):
        return self.mean(c) + self.noise(n, 2)


class AnyLabel(Labeled):
    def check_condition(self, c, n):
        if c is None or len(c) != n or c.dtype != torch.int64:
            super().check_condition(c, n)

    def loss(self, x, c=None):
        self.check(x, c)
        return (x - self.mean(c % 3)).square().sum(1).mean()

    def draw(self, n, c=None):
        return self.mean(c % 3) + self.noise(n, 2)


class SamplesWithoutALabel(Labeled):
    def sample(self, n, c=None, **how):
        return super().sample(n, torch.zeros(n).long() if c is None else c, **how)


WRONG = {
    SwitchesToTrain: "a loss in eval mode changes nothing",
    ForgetsWhatWasFrozen: "sampling leaves the modes alone",
    SaysNothing: "bad input is refused",
    KeyErrors: "bad input is refused",
    UnknownPlayer: "losses are finite scalars",
    NeedsTwo: "losses are finite scalars",
    SinglePrecision: "it works in double precision",
    Climbs: "the loss of one batch goes down",
    Counts: "a loss in eval mode changes nothing",
    OneTooMany: "samples have the shape",
    Doubles: "samples have the shape",
    Infinite: "samples have the shape",
    KeepsTheGraph: "samples have the shape",
    Constant: "a seed decides the samples",
    OwnStream: "a seed decides the samples",
    TakesAnyCount: "bad requests for samples are refused",
    ColumnOfNumbers: "log_prob is one number each",
    TwoPlayers: "it trains, averaged and in bfloat16",
    AnyLabel: "a wrong condition is refused",
    SamplesWithoutALabel: "a wrong condition is refused",
}


@pytest.mark.parametrize("kind", list(WRONG), ids=lambda kind: kind.__name__)
def test_a_wrong_model_is_found(kind, as_users_run_it):
    with seeded(0):
        model = kind()
    with pytest.raises(AssertionError) as caught:
        check_model(model)
    assert f"{WRONG[kind]}?" in str(caught.value), caught.value


@pytest.mark.parametrize("kind", [Normal, Labeled])
def test_a_right_model_passes(kind, as_users_run_it):
    for seed in range(3):
        check_model(kind(), seed)
