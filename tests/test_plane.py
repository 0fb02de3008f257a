"""What the sets of the plane are by default, and the energies' own table."""

import math

import pytest
import torch

from gmcourse import seeded
from gmcourse.data import densities as D

N = 20_000


def drawn(density):
    with seeded(0):
        return density.sample(N).double()


def table(number, x):
    """Potentials of Rezende & Mohamed (2015), table 1, written out."""
    z1, z2 = x[:, 0], x[:, 1]

    def bump(a, s):
        return torch.exp(-(a**2) / (2 * s**2))

    w1 = torch.sin(math.pi * z1 / 2)
    if number == 1:
        sides = bump(z1 - 2, 0.6) + bump(z1 + 2, 0.6)
        return (x.square().sum(1).sqrt() - 2) ** 2 / 0.32 - sides.log()
    if number == 2:
        return (z2 - w1) ** 2 / 0.32
    if number == 3:
        w2 = 3 * bump(z1 - 1, 0.6)
        return -(bump(z2 - w1, 0.35) + bump(z2 - w1 + w2, 0.35)).log()
    w3 = 3 / (1 + torch.exp(-(z1 - 1) / 0.3))
    return -(bump(z2 - w1, 0.4) + bump(z2 - w1 + w3, 0.35)).log()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_energies_are_those_of_the_paper(number):
    x = 3 * torch.rand(500, 2, dtype=torch.float64) - 1.5
    energy = D.rezende_mohamed(number).energy(x)
    torch.testing.assert_close(energy, table(number, x), rtol=1e-9, atol=1e-9)


def test_the_double_well_has_its_barrier_between_its_wells():
    well = D.double_well()
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [-2.0, 0.0]], dtype=torch.float64)
    barrier, *wells = (well.energy(x) - well.energy(x)[1]).tolist()
    assert barrier == pytest.approx(4.0) and wells == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize("name", ["moons", "rings", "spirals", "grid25", "double_well"])
def test_pictures_have_the_same_window(name):
    assert getattr(D, name)().bounds == (-4.0, 4.0, -4.0, 4.0)


def test_rings_lie_at_one_two_and_three():
    radius = drawn(D.rings()).norm(dim=1)
    nearest = radius.round().clamp(1, 3)
    shares = torch.stack([(nearest == r).double().mean() for r in (1, 2, 3)])
    assert (shares - 1 / 3).abs().max() < 0.02
    assert (radius - nearest).std().item() == pytest.approx(0.15, rel=0.05)


def test_the_grid_has_twenty_five_places():
    x = drawn(D.grid25()) / 1.5
    places = x.round()
    assert len(places.unique(dim=0)) == 25 and places.abs().max() == 2
    assert (1.5 * (x - places)).std().item() == pytest.approx(0.1, rel=0.02)


def test_the_funnel_is_wide_where_it_is_wide():
    x1, x2 = drawn(D.funnel()).T
    assert x1.std().item() == pytest.approx(1.25, rel=0.03)
    assert (x2 / (x1 / 2).exp()).std().item() == pytest.approx(0.5, rel=0.03)
