"""The live figures that compute: their numbers against torch, and their controls."""

import math
import re

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE, drawn
from live_pages import show as show

from gmcourse import autoregressive, flows, live, mixtures, seeded, sequences
from gmcourse.continuous import continuous_flow
from gmcourse.data.densities import GaussianMixture
from gmcourse.denoisers import PointDenoiser
from gmcourse.diffusion import Diffusion

FIGURE = "document.querySelector('.gm-live').gm"


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


# ---- divergences -----------------------------------------------------------------

MIXTURE = [0.4, 0.6], [-2.5, 2.0], [0.6, 0.8]


def divergences(**how):
    how = {"start": (0.5, 1.2), "wander": False, "label": "Two divergences", **how}
    return live.Divergences(*MIXTURE, **how)


def by_quadrature(mean, std):
    """KL(p || q) and KL(q || p) on a fine grid, in double precision."""
    x = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    w, m, s = (torch.tensor(v, dtype=torch.float64) for v in MIXTURE)
    p = torch.distributions.Normal(m, s).log_prob(x[:, None]) + w.log()
    p, q = p.logsumexp(1), torch.distributions.Normal(mean, std).log_prob(x)
    step = x[1] - x[0]
    return [
        ((p.exp() * (p - q)).sum() * step).item(),
        ((q.exp() * (q - p)).sum() * step).item(),
    ]


@pytest.mark.browser
@pytest.mark.parametrize(
    "mean, std", [(0.5, 1.2), (-2.0, 0.5), (3.5, 2.4), (0.0, 0.42)]
)
def test_divergences_equal_quadrature(show, mean, std):
    page = show(divergences())
    assert asked(page, f"set({mean}, {std})") == [mean, std]
    due = by_quadrature(mean, std)
    assert asked(page, "divergences()") == pytest.approx(due, abs=1e-6)
    forward, reverse = page.locator(".gm-value").all_inner_texts()
    assert forward == f"KL(p ‖ q) = {due[0]:.3f} nats"
    assert reverse == f"KL(q ‖ p) = {due[1]:.3f} nats"


@pytest.mark.browser
def test_downhill_ends_where_it_should(show):
    page = show(divergences())
    w, m, s = map(torch.tensor, MIXTURE)
    mean = (w * m).sum()
    std = ((w * (s**2 + m**2)).sum() - mean**2).sqrt()
    due = [mean.item(), std.item()]  # forward: the moments of p
    assert asked(page, "downhill(0)") == pytest.approx(due, abs=1e-4)
    ends = []
    for start in (-2.5, 2.5):
        asked(page, f"set({start}, 0.8)")
        mean, std = asked(page, "downhill(1)")
        least = by_quadrature(mean, std)[1]
        for dm, factor in (0.02, 1), (-0.02, 1), (0, 1.02), (0, 0.98):
            assert by_quadrature(mean + dm, std * factor)[1] > least
        ends.append(mean)
    assert ends[0] < -1.5 and ends[1] > 1.2  # in reverse, the start decides


@pytest.mark.browser
def test_the_gaussian_is_dragged_by_its_peak(show):
    page = show(divergences())
    box = page.locator(".gm-plane").bounding_box()
    handle = page.locator(".gm-handle").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.1 * box["width"], y)
    mean, std = asked(page, "get()")
    assert mean == pytest.approx(1.5, abs=0.03) and std == pytest.approx(1.2, abs=0.03)
    page.mouse.move(x, y - 500)  # beyond the top: held at the narrowest
    mean, std = asked(page, "get()")
    assert mean == pytest.approx(0.5, abs=0.03) and std == pytest.approx(0.42)
    page.mouse.up()
    page.keyboard.press("Home")
    assert asked(page, "get()") == [0.5, 1.2]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    due = [0.55, 1.2 * math.exp(0.5)]
    assert asked(page, "get()") == pytest.approx(due)
    name = page.get_by_role("application").get_attribute("aria-label")
    assert name.startswith("Two divergences: mean 0.55, standard deviation 1.98, KL(p")


@pytest.mark.browser
def test_downhill_runs_until_it_has_arrived_or_is_touched(show):
    page = show(divergences())
    forward, reverse = page.get_by_role("button").all()
    reverse.click()
    assert reverse.inner_text() == "Pause"
    forward.click()  # the other stops
    assert (forward.inner_text(), reverse.inner_text()) == ("Pause", "Downhill")
    page.wait_for_function(f"{FIGURE}.get()[1] > 1.5")
    page.locator(".gm-handle").press("ArrowLeft")
    assert forward.inner_text() == "Downhill"
    asked(page, "downhill(0)")
    forward.click()
    page.wait_for_function(
        "document.querySelector('.gm-head button').innerText != 'Pause'"
    )


@pytest.mark.parametrize(
    "given, how, words",
    [
        (([0.5], [0.0, 1.0], [1.0, 1.0]), {}, "as many of each"),
        (([], [], []), {}, "one at least"),
        (([0.5, 0.6], [0.0, 1.0], [1.0, 1.0]), {}, "sum to one"),
        (([0.5, 0.5], [0.0, 1.0], [1.0, 0.0]), {}, "must be positive"),
        (([0.5, 0.5], [0.0, 9.0], [1.0, 1.0]), {}, "raise extent"),
        (([1.0], [0.0], [math.nan]), {}, "finite"),
        (MIXTURE, {"start": (0.0, 9.0)}, "a deviation from 0.42 to 2.5"),
        (MIXTURE, {"start": (6.0, 1.0)}, "a mean within ±5"),
        (MIXTURE, {"extent": -1.0}, "extent"),
    ],
)
def test_divergences_refuse(as_users_run_it, given, how, words):
    with pytest.raises(ValueError, match=words):
        live.Divergences(*given, **how)


# ---- EM --------------------------------------------------------------------------


def points(n=60):
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    x[::2] = 0.4 * x[::2] @ torch.tensor([[1.0, 0.8], [0.0, 0.6]]) + 2
    return x


def em(**how):
    how = {"k": 3, "wander": False, "label": "EM", **how}
    return live.EMSteps(points(), **how)


def state(page):
    found = asked(page, "get()")
    a, b, c = torch.tensor(found["covs"], dtype=torch.float64).T
    covs = torch.stack([a, b, b, c], 1).view(-1, 2, 2)
    means = torch.tensor(found["means"], dtype=torch.float64)
    weights = torch.tensor(found["weights"], dtype=torch.float64)
    r = torch.tensor(found["responsibilities"], dtype=torch.float64)
    return (
        GaussianMixture(means, covs=covs, weights=weights),
        r.view(-1, len(means)),
        found,
    )


@pytest.mark.browser
def test_em_equals_torch_step_by_step(show):
    page, x = show(em()), points().half().double()
    seeds = [3, 10, 41]
    asked(page, f"start({seeds})")
    r = torch.nn.functional.one_hot(torch.cdist(x, x[seeds]).argmin(1), 3).double()
    for _ in range(6):
        due = mixtures.m_step(x, r, floor=0.05)
        r = due.responsibilities(x)
        got, answered, found = state(page)
        for name in ("weights", "means", "covs"):
            theirs, ours = getattr(got, name), getattr(due, name)
            torch.testing.assert_close(theirs, ours.double(), atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(answered, r.double(), atol=1e-9, rtol=1e-9)
        assert found["value"] == pytest.approx(due.log_prob(x).mean().item(), abs=1e-9)
        asked(page, "step()")


@pytest.mark.browser
def test_em_is_stepped_run_and_begun_anew(page, show):
    page.clock.install()
    show(em())
    first = state(page)[2]
    page.get_by_role("button", name="Step").click()
    assert state(page)[2]["value"] > first["value"]
    assert page.inner_text(".gm-near") == "after 1 step of EM"
    page.get_by_role("button", name="New start").click()
    assert page.inner_text(".gm-near") == "after 0 steps of EM"
    assert state(page)[2]["means"] != first["means"]
    assert page.locator(".gm-past").count() == 1  # the curve of the start before
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))  # or it might arrive
    page.get_by_role("button", name="Run").click()
    page.clock.run_for(1000)
    ran = int(page.inner_text(".gm-near").split()[1])
    assert 2 <= ran <= 3
    page.get_by_role("button", name="Pause").click()
    page.clock.resume()
    page.locator("input").press("ArrowRight")
    assert len(state(page)[2]["weights"]) == 4
    assert page.inner_text(".gm-slider") == "4 components"
    assert page.locator(".gm-ellipses ellipse").count() == 4
    assert page.locator(".gm-past").count() == 0  # another model


@pytest.mark.browser
def test_ellipses_lie_two_deviations_out(show):
    page = show(em(k=1, extent=5.0))
    cov = state(page)[0].covs[0]
    values, vectors = torch.linalg.eigh(cov)
    due = 2 * values.sqrt() * 400 / 10
    ellipse = page.locator("ellipse")
    got = [float(ellipse.get_attribute(name)) for name in ("ry", "rx")]
    assert got == pytest.approx(due.tolist(), abs=0.06)
    long = vectors[:, 1]
    angle = -math.degrees(math.atan2(long[1], long[0]))  # y of a page goes down
    turned = float(ellipse.get_attribute("transform").split("rotate(")[1][:-1])
    assert math.sin(math.radians(turned - angle)) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    "x, how, words",
    [
        (torch.zeros(5, 3), {}, r"expected \(n, 2\)"),
        (torch.rand(2001, 2), {}, "at most 2,000"),
        (torch.rand(5, 2).log() * torch.nan, {}, "finite"),
        (torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), {"k": 3}, "1 to 2 for 2"),
        (torch.rand(20, 2), {"k": 11}, "1 to 10"),
        (torch.rand(20, 2), {"k": 0}, "k is 0"),
        (torch.rand(20, 2), {"k": 2, "floor": 0.0}, "floor"),
    ],
)
def test_em_refuses(as_users_run_it, x, how, words):
    with pytest.raises(ValueError, match=words):
        live.EMSteps(x, **how)


# ---- rate and distortion ---------------------------------------------------------

BETAS, RATES, DISTORTIONS = [0.25, 1.0, 4.0], [9.5, 6.25, 1.5], [30.0, 36.5, 47.25]


def tradeoff(**how):
    images = torch.rand(10, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    rebuilt = [images * factor for factor in (0.9, 0.6, 0.3)]
    how = {"wander": False, "label": "Trade", **how}
    return live.Tradeoff(BETAS, RATES, DISTORTIONS, images, rebuilt, **how), rebuilt


@pytest.mark.browser
def test_the_tradeoff_shows_the_numbers_it_was_given(show):
    figure, rebuilt = tradeoff()
    page = show(figure)
    assert asked(page, "get()") == 1  # beta = 1
    for i, word in enumerate(["ArrowLeft", "ArrowRight", "ArrowRight"]):
        page.locator("input").press(word)
        r, d, beta = RATES[i], DISTORTIONS[i], BETAS[i]
        assert asked(page, "get()") == i
        assert (
            " ".join(page.inner_text(".gm-where").split()) == f"R = {r:.2f} D = {d:.2f}"
        )
        due = f"D + R = {d + r:.2f} nats, D + βR = {d + beta * r:.2f}"
        assert page.inner_text(".gm-near") == due
        sheet = page.locator("img.gm-sheet").nth(1)
        pixels = sheet.evaluate(
            """image => image.decode().then(() => {
              const canvas = document.createElement("canvas");
              canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
              const context = canvas.getContext("2d");
              context.drawImage(image, 0, 0);
              const size = [canvas.width, canvas.height];
              const { data } = context.getImageData(0, 0, ...size);
              return [...data].filter((_, i) => i % 4 == 0);
            })"""
        )
        shown = (
            torch.tensor(pixels).view(2, 6, 5, 6).permute(0, 2, 1, 3).reshape(10, 6, 6)
        )
        assert (shown / 255 - rebuilt[i][:, 0]).abs().max() < 0.003


@pytest.mark.browser
def test_the_line_has_the_slope_of_beta(show):
    """In the units of the axes: read off the ticks, not off the code's own scale."""
    figure, _ = tradeoff()
    page = show(figure)

    def scale(texts):
        (x0, v0), (x1, v1) = texts[0], texts[-1]
        return lambda x: v0 + (x - x0) * (v1 - v0) / (x1 - x0)

    ticks = page.evaluate(
        "[...document.querySelectorAll('.gm-ticks text:not(.gm-name)')].map("
        "t => [+t.getAttribute('x'), +t.getAttribute('y'), +t.textContent,"
        " t.getAttribute('text-anchor')])"
    )
    rate = scale([(x, v) for x, _, v, anchor in ticks if anchor == "middle"])
    distortion = scale([(y - 4, v) for _, y, v, anchor in ticks if anchor == "end"])
    for i, beta in enumerate(BETAS):
        asked(page, f"set({i})")
        path = page.locator("path.gm-stroke6").get_attribute("d")
        numbers = [float(v) for v in path.replace("M", "").replace("L", " ").split()]
        x0, y0, x1, y1 = numbers
        slope = (distortion(y1) - distortion(y0)) / (rate(x1) - rate(x0))
        assert slope == pytest.approx(-beta, rel=1e-6)
        at = distortion(y0) + slope * (RATES[i] - rate(x0))
        assert at == pytest.approx(DISTORTIONS[i], rel=1e-6)
        dot = page.locator("circle.gm-stroke6")
        place = [float(dot.get_attribute(name)) for name in ("cx", "cy")]
        due = [RATES[i], DISTORTIONS[i]]
        assert [rate(place[0]), distortion(place[1])] == pytest.approx(due, rel=1e-6)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"betas": BETAS[:2]}, "one of each a model"),
        ({"betas": BETAS[::-1]}, "betas must ascend"),
        ({"rates": [-1.0, 2.0, 3.0]}, "0 or more"),
        ({"rebuilt": [torch.zeros(9, 1, 6, 6)] * 3}, "one shape"),
        ({"distortions": [1.0, math.nan, 2.0]}, "finite"),
        ({"betas": [], "rates": [], "distortions": [], "rebuilt": []}, "one of each"),
    ],
)
def test_tradeoff_refuses(as_users_run_it, change, words):
    images = torch.zeros(10, 1, 6, 6)
    given = {
        "betas": BETAS,
        "rates": RATES,
        "distortions": DISTORTIONS,
        "originals": images,
        "rebuilt": [images] * 3,
    }
    with pytest.raises(ValueError, match=words):
        live.Tradeoff(**{**given, **change})


# ---- coins -----------------------------------------------------------------------


def means():
    return torch.rand(2, 1, 6, 5, generator=torch.Generator().manual_seed(0)) ** 3


def coins(**how):
    how = {"wander": False, "label": "PixelCoins", **how}
    return live.PixelCoins(means(), ["first", "second"], **how)


@pytest.mark.browser
@pytest.mark.parametrize("chosen, rate", [(0, 1.0), (1, 8.0), (0, 0.25), (1, 64.0)])
def test_coins_are_trained_as_by_torch(show, chosen, rate):
    page = show(coins())
    asked(page, f"choose({chosen})")
    asked(page, f"rate({rate})")
    m = (255 * means()[chosen]).round().double() / 255  # as bytes hold them
    logits = torch.zeros_like(m, requires_grad=True)
    sgd = torch.optim.SGD([logits], lr=rate)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    path = page.evaluate(f"""() => Array.from({{ length: 13 }}, (_, step) => {{
        if (step) {FIGURE}.step();
        return {FIGURE}.get();
    }})""")
    for found in path:
        due = loss(logits, m, reduction="sum")
        assert found["loss"] == pytest.approx(due.item(), abs=1e-9)
        got = torch.tensor(found["logits"], dtype=torch.float64)
        torch.testing.assert_close(got, logits.detach().flatten(), atol=1e-9, rtol=1e-9)
        sgd.zero_grad()
        due.backward()
        sgd.step()
    entropy = torch.distributions.Bernoulli(m).entropy().sum()
    assert found["floor"] == pytest.approx(entropy.item(), abs=1e-6)
    assert page.inner_text(".gm-near").startswith("after 12 steps")


@pytest.mark.browser
def test_the_draws_of_coins_have_their_probabilities(show):
    """Exactly as many of 8 x 30 uniform numbers below p as torch would expect."""
    page = show(coins())
    asked(page, "rate(8)")
    for _ in range(60):
        asked(page, "step()")
    draws = torch.tensor(asked(page, "get()")["draws"]).view(2, 6, 4, 5)
    draws = draws.permute(0, 2, 1, 3).reshape(8, 6, 5)
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    m = means()[0, 0]
    sure = (m < 0.002) | (m > 0.998)
    assert sure.any() and (draws[:, sure] == m[sure].round()).all()
    spread = (m * (1 - m)).sum().sqrt() * 8**0.5
    assert abs(draws.sum() - 8 * m.sum()) < 4 * spread
    assert not torch.equal(draws[0], draws[1])


@pytest.mark.browser
def test_coins_are_stepped_chosen_and_begun_anew(show):
    page = show(coins())
    page.get_by_role("button", name="Step").click()
    first = asked(page, "get()")
    page.get_by_role("button", name="Begin anew").click()
    assert page.locator(".gm-past").count() == 1
    assert page.inner_text(".gm-near").startswith("after 0 steps")
    page.get_by_role("button", name="second").click()
    assert page.locator(".gm-past").count() == 0  # another floor
    assert page.locator("[aria-pressed=true]").inner_text() == "second"
    page.locator("input").press("ArrowRight")
    assert page.inner_text(".gm-slider") == "learning rate 2"
    page.get_by_role("button", name="Step").click()
    assert asked(page, "get()")["logits"] != first["logits"]


@pytest.mark.parametrize(
    "x, how, words",
    [
        (torch.zeros(2, 3, 4, 4), {}, r"\(sets, 1, h, w\)"),
        (torch.zeros(3, 1, 4, 4), {}, "one name a set"),
        (torch.full((2, 1, 4, 4), 1.5), {}, r"expected \[0, 1\]"),
        (torch.full((2, 1, 4, 4), torch.nan), {}, "finite"),
        (torch.zeros(2, 1, 4, 4), {"rate": 3.0}, "power of two"),
        (torch.zeros(2, 1, 4, 4), {"rate": 128.0}, "1/4 to 64"),
        (torch.zeros(2, 1, 4, 4), {"rate": -1.0}, "rate"),
    ],
)
def test_coins_refuse(as_users_run_it, x, how, words):
    with pytest.raises(ValueError, match=words):
        live.PixelCoins(x, ["a", "b"], **how)


# ---- all of them -----------------------------------------------------------------


def gan_plane(**how):  # its own tests: test_live_gan.py
    players = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    for p in (*players[0].parameters(), *players[1].parameters()):
        torch.nn.init.ones_(p)
    how = {"wander": False, "still_steps": 2, "label": "A GAN", **how}
    return live.GANPlane(*players, **how)


def transport(**how):  # its own tests: test_live_transport.py
    how = {"start": (-3.0, 1.5), "wander": False, "label": "Moving earth", **how}
    return live.Transport([(-1.0, 0.5, 0.5), (2.0, 3.5, 0.5)], **how)


def flow_plane(**how):  # its own tests: test_live_flow.py
    with seeded(0):
        flow = flows.coupling_flow(2, layers=2, width=4)
    for part in flow.chain.parts:
        torch.nn.init.ones_(part.net[-1].bias)
    return live.FlowPlane(flow, **{"wander": False, "label": "A flow", **how})


def pixels(**how):  # its own tests: test_live_pixels.py
    with seeded(0):
        model = autoregressive.NADE((1, 6, 5), 4)
    return live.PixelByPixel(model, **{"wander": False, "label": "Pixels", **how})


def letters(**how):  # its own tests: test_live_next_token.py
    with seeded(0):
        model = sequences.GPT((8,), 5, width=8, depth=1, heads=2)
    return live.NextToken(model, ".abcd", **{"wander": False, "label": "Text", **how})


def velocity(**how):  # its own tests: test_live_velocity.py
    with seeded(0):
        flow = continuous_flow(2, width=4)
    how = {"wander": False, "label": "A velocity", **how}
    return live.VelocityField(flow, **how)


def particles(**how):  # its own tests: test_live_particles.py
    with seeded(0):
        model = Diffusion(PointDenoiser(2, width=4), (2,))
    how = {"wander": False, "still_steps": 2, "batch": 4, "label": "A cloud", **how}
    return live.ParticleCloud(model, **how)


KINDS = {
    "coins": coins,
    "divergences": divergences,
    "em": em,
    "flow": flow_plane,
    "gan": gan_plane,
    "letters": letters,
    "particles": particles,
    "pixels": pixels,
    "tradeoff": lambda **how: tradeoff(**how)[0],
    "transport": transport,
    "velocity": velocity,
}


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_it_moves_when_it_is_seen_until_it_is_touched(page, show, kind):
    away = "<style>body{padding-top:3000px}</style>"
    page.clock.install()
    show(KINDS[kind](wander=True), head=away)
    get = f"JSON.stringify({FIGURE}.get())"
    before = page.evaluate(get)
    drawn(page)
    page.clock.run_for(2000)
    assert page.evaluate(get) == before  # out of sight
    page.locator(".gm-live").scroll_into_view_if_needed()
    drawn(page)
    page.clock.run_for(2000)
    page.wait_for_function(f"{get} != {before!r}")
    button = page.get_by_role("button", name="Pause").or_(
        page.get_by_role("button", name=re.compile(r"Downhill in (KL\(q|W)"))
    )
    button.click()
    stopped = page.evaluate(get)
    page.clock.run_for(2000)
    assert page.evaluate(get) == stopped

    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.locator(".gm-live").scroll_into_view_if_needed()
    before = page.evaluate(get)
    drawn(page)
    page.clock.run_for(2000)
    assert page.evaluate(get) == before


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_any_kind(show, kind):
    """Nothing is fetched, a phone is wide enough, print has the still, all is named."""
    figure = KINDS[kind]()
    assert figure._repr_html_() == KINDS[kind]()._repr_html_()
    page = show(figure)
    assert [u for u in page.requested if not u.startswith("data:")] == [page.url]
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    unnamed = page.evaluate(
        "[...document.querySelectorAll('.gm-live :is(button, input, [tabindex])')]"
        ".filter(e => !(e.innerText || e.ariaLabel || e.labels?.[0]?.innerText)).length"
    )
    assert unnamed == 0
    assert page.locator("img:not([alt])").count() == 0
    page.emulate_media(media="print")
    assert page.locator("img.gm-still").is_visible()
    assert not page.locator(".gm-body").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["coins", "em", "flow", "tradeoff"])
def test_buttons_and_sliders_by_touch(show, kind):
    page = show(KINDS[kind]())
    page.set_viewport_size(PHONE)
    state = f"JSON.stringify({FIGURE}.get())"
    names = {"coins": "Step", "em": "Step", "flow": "Play", "tradeoff": "Run"}
    before = page.evaluate(state)
    page.get_by_role("button", name=names[kind]).tap()
    page.wait_for_function(f"{state} != {before!r}")
    page.locator("input").scroll_into_view_if_needed()
    box = page.locator("input").bounding_box()
    for at, end in (0.02, "min"), (0.98, "max"):
        x, y = box["x"] + at * box["width"], box["y"] + box["height"] / 2
        page.touchscreen.tap(x, y)
        page.wait_for_function(
            f"(e => e.value == e.{end})(document.querySelector('input'))"
        )


@pytest.mark.browser
def test_the_gaussian_by_touch(show):
    page = show(divergences())
    page.set_viewport_size(PHONE)
    box = page.locator(".gm-plane").bounding_box()
    page.touchscreen.tap(box["x"] + 0.8 * box["width"], box["y"] + 0.7 * box["height"])
    page.wait_for_function(f"{FIGURE}.get()[0] != 0.5")
    mean, std = asked(page, "get()")
    assert mean == pytest.approx(3.0, abs=0.05) and std != 1.2
    finger, handle = (
        page.context.new_cdp_session(page),
        page.locator(".gm-handle").bounding_box(),
    )
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    for kind, dx in ("touchStart", 0), ("touchMove", -60), ("touchMove", -120):
        at = {"type": kind, "touchPoints": [{"x": x + dx, "y": y}]}
        finger.send("Input.dispatchTouchEvent", at)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    moved = asked(page, "get()")
    assert moved[0] == pytest.approx(mean - 120 / box["width"] * 10, abs=0.05)
    assert moved[1] == pytest.approx(std, abs=0.02)
