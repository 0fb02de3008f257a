"""Training in the page: reverse mode, Adam and the GAN of the plane against torch."""

import copy
import functools
import math

import pytest
import torch
from browser import chromium as chromium
from browser import page as page
from live_pages import PHONE
from live_pages import show as show
from matplotlib import image as pictures
from torch import nn

from gmcourse import gan, live
from gmcourse.data import densities
from gmcourse.data.mixture import GaussianMixture
from gmcourse.live._net import pack

FIGURE = "document.querySelector('.gm-live').gm"


def net(out, act=nn.Tanh, seed=0, width=32, into=2):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            *(nn.Linear(into, width), act(), nn.Linear(width, width), act()),
            nn.Linear(width, out),
        )


def figure(**how):
    how = {"still_steps": 3, "wander": False, "label": "A GAN", **how}
    return live.GANPlane(net(2), net(1, seed=1), **how)


@functools.cache
def two_modes():
    return {"two": GaussianMixture([[-2.0, 0.0], [2.0, 0.0]], stds=0.4)}


def asked(page, call):
    return page.evaluate(f"{FIGURE}.{call}")


def trained(page, updates):
    """What the figure says of itself after so many updates with draws of its own."""
    script = f"n => {{ for (let i = 0; i < n; i++) {FIGURE}.update(); }}"
    page.evaluate(script, updates)
    return asked(page, "get()")


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def flat(net, of=lambda p: p):
    return torch.cat([of(p).flatten() for p in net.parameters()]).detach()


# ---- train.js --------------------------------------------------------------------

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.3),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
}
# Sums are double; Float32Array rounds what is stored.
KINDS = {"Float64Array": (torch.float64, 1e-12), "Float32Array": (torch.float32, 1e-5)}


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("n", [1, 4, 7])  # below, at and beyond the four rows
def test_reverse_mode_equals_autograd(show, name, kind, n):
    dtype, tolerance = KINDS[kind]
    model = net(3, ACTIVATIONS[name], width=5).to(dtype)
    x = (2 * draws(n, 2)).to(dtype).requires_grad_()
    dy = draws(n, 3, seed=1).to(dtype)
    y = model(x)
    y.backward(dy)
    page = show(figure())
    got = page.evaluate(
        f"""([spec, weights, x, dy]) => {{
            const net = GM.train.mlp(spec, {kind}.from(weights));
            net.forward({kind}.from(x).map((v) => 3 * v));
            net.backward({kind}.from(dy)); // to be forgotten
            const y = net.forward({kind}.from(x)), dx = net.backward({kind}.from(dy));
            const kept = Array.from(net.gradients);
            net.forward({kind}.from(x).map((v) => -v));
            net.backward({kind}.from(dy), false);
            return [Array.from(y), Array.from(dx), kept, Array.from(net.gradients)];
        }}""",
        [pack(model)[0], *(v.flatten().tolist() for v in (flat(model), x, dy))],
    )
    y_got, dx, weights, left = (torch.tensor(v, dtype=dtype) for v in got)
    near = {"atol": tolerance, "rtol": tolerance}
    torch.testing.assert_close(y_got, y.flatten().detach(), **near)
    torch.testing.assert_close(dx, x.grad.flatten(), **near)
    torch.testing.assert_close(weights, flat(model, lambda p: p.grad), **near)
    assert torch.equal(left, weights)


@pytest.mark.browser
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)])
def test_adam_equals_torch(show, betas):
    weights = draws(6).double()
    gradients = draws(10, 6, seed=1).double() * torch.logspace(-9, 1, 6).double()
    rates = [0.01] * 5 + [0.002] * 5  # the reader moves a slider
    p = nn.Parameter(weights.clone())
    optimizer = torch.optim.Adam([p], betas=betas)
    for rate, p.grad in zip(rates, gradients):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    page = show(figure())
    got = page.evaluate(
        """([weights, gradients, rates, betas]) => {
            weights = Float64Array.from(weights);
            const adam = GM.train.adam(weights, { betas });
            gradients.forEach((g, i) => { adam.rate = rates[i]; adam.step(g); });
            return Array.from(weights);
        }""",
        [weights.tolist(), gradients.tolist(), rates, betas],
    )
    got = torch.tensor(got, dtype=torch.float64)
    torch.testing.assert_close(got, p.detach(), atol=1e-13, rtol=1e-11)


@pytest.mark.browser
def test_draws_and_first_weights(show):
    page = show(figure())
    seven, again, other, start = page.evaluate("""() => {
        const { random } = GM.tools, { normal, init } = GM.train;
        const some = (seed) => {
            const draw = normal(random(seed));
            return Array.from({ length: 20001 }, draw);
        };
        const start = new Float64Array(4001 * 3 + 4);
        init([["linear", 4000, 3], ["tanh"], ["linear", 3, 1]], start, random(0));
        return [some(7), some(7), some(8), Array.from(start)];
    }""")
    assert seven == again and seven != other
    x = torch.tensor(seven, dtype=torch.float64).sort().values
    below = torch.distributions.Normal(0.0, 1.0).cdf(x)
    ranks = (torch.arange(len(x)) + 0.5) / len(x)
    # Kolmogorov-Smirnov; fixed draws. Neighbors share a radius, and do not correlate.
    assert (below - ranks).abs().max() < 1.63 / len(x) ** 0.5
    raw = torch.tensor(seven)
    for function in (torch.abs, lambda v: v):
        a, b = function(raw[:-1:2]), function(raw[1::2])
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 0.04
    first, last = torch.tensor(start[:12003]), torch.tensor(start[12003:])
    for values, inputs in (first, 4000), (last, 3):
        assert 0.4 / inputs**0.5 < values.abs().max() < 1 / inputs**0.5
    assert first.std() == pytest.approx((1 / 3 / 4000) ** 0.5, rel=0.05)


@pytest.mark.browser
@pytest.mark.parametrize(
    "call",
    [
        "mlp([['gelu']], new Float32Array(0))",
        "mlp([['linear', 2, 3]], new Float32Array(8))",
        "mlp([['linear', 2, 3]], new Float32Array(9)).forward(new Float32Array(3))",
    ],
)
def test_training_refuses(show, call):
    page = show(figure())
    script = f"() => {{ try {{ GM.train.{call}; }} catch (e) {{ return e.name; }} }}"
    assert page.evaluate(script) == "RangeError"


# ---- the games -------------------------------------------------------------------

GAMES = [gan.NonSaturating(), gan.Saturating(), gan.Hinge(), gan.Wasserstein()]


@pytest.mark.browser
@pytest.mark.parametrize("game", GAMES, ids=lambda game: type(game).__name__)
def test_ten_updates_equal_torch(show, game):
    """Gradients, losses and weights of both players, in single precision."""
    b, k, rates, betas = 32, 2, (0.005, 0.002), (0.5, 0.9)
    made = figure(game=game, rates=rates, critic_steps=k, betas=betas, batch=b)
    page = show(made)
    critic = copy.deepcopy(net(1, seed=1)).half().float()
    generator = copy.deepcopy(net(2)).half().float()
    torch_rates = {critic: rates[0], generator: rates[1]}
    optimizers = {
        player: torch.optim.Adam(player.parameters(), rate, betas)
        for player, rate in torch_rates.items()
    }

    def step(player, loss):
        optimizers[player].zero_grad()
        loss.backward()
        optimizers[player].step()

    z = draws(11, k + 1, b, 2)
    real = 2 * draws(11, k, b, 2, seed=1) + 1
    for i in range(10):
        for j in range(k):
            values = critic(real[i, j])[:, 0], critic(generator(z[i, j]).detach())[:, 0]
            loss = game.critic(*values).mean()
            right = ((values[0] > 0).sum() + (values[1] <= 0).sum()) / (2 * b)
            step(critic, loss)
            if isinstance(game, gan.Wasserstein):
                for p in critic.parameters():
                    p.data.clamp_(-0.1, 0.1)
        slopes = flat(critic, lambda p: p.grad)
        generated = game.generator(critic(generator(z[i, k]))[:, 0]).mean()
        step(generator, generated)
        turns = [
            [real[i, j].flatten().tolist(), z[i, j].flatten().tolist()]
            for j in range(k)
        ]
        given = {"critic": turns, "generator": z[i, k].flatten().tolist()}
        page.evaluate(f"given => {FIGURE}.update(given)", given)
        found = asked(page, "get()")
        assert found["count"] == i + 1
        due = [loss.item(), generated.item()]
        assert found["losses"] == pytest.approx(due, abs=1e-4)
        assert found["right"] == pytest.approx(right.item())
        for q, (player, gradient) in enumerate(
            [(critic, slopes), (generator, flat(generator, lambda p: p.grad))]
        ):
            got = torch.tensor(found["gradients"][q])
            torch.testing.assert_close(got, gradient, atol=1e-4, rtol=1e-4)
            got = torch.tensor(found["weights"][q])
            torch.testing.assert_close(got, flat(player), atol=1e-4, rtol=1e-4)
    assert (flat(generator) - flat(copy.deepcopy(net(2)))).abs().max() > 0.005


@pytest.mark.browser
def test_thirty_updates_a_second(show):
    page = show(figure())  # batch 128, two hidden layers of 32
    trained(page, 60)
    # The least of ten, since other work on the machine only adds time.
    seconds = page.evaluate(f"""() => {{
        const times = Array.from({{ length: 10 }}, () => {{
            const start = performance.now();
            for (let i = 0; i < 10; i++) {FIGURE}.update();
            return (performance.now() - start) / 10;
        }});
        return Math.min(...times) / 1000;
    }}""")
    assert 1 / seconds > 30


def test_sixty_kilobytes():
    html = figure()._repr_html_()
    assert len(html.encode()) < 60_000
    assert "GM.train =" in html
    assert "GM.train =" not in live.EMSteps(draws(20, 2), 2)._repr_html_()
    assert html == figure()._repr_html_()


def test_what_the_page_is_told():
    made = figure(game=gan.Hinge(), rates=(0.005, 2e-5), sets=two_modes()).data
    assert made["game"] == 2
    assert [made["choice"][i] for i in made["rates"]] == [0.005, 2e-5]
    (two,) = made["sets"]
    assert two["modes"]["means"] == [[-2, 0], [2, 0]]
    assert two["modes"]["stds"] == pytest.approx([0.4, 0.4])
    longer = GaussianMixture([[0.0, 0.0]], stds=[[1.0, 2.0]])  # three of which?
    assert figure(sets={"longer": longer}).data["sets"][0]["modes"] is None


def test_the_still_shows_points_samples_and_ground(tmp_path):
    """A critic that looks up to the right, and a generator of one point."""
    critic, generator = nn.Linear(2, 1), nn.Linear(2, 2)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[1.0, 1.0]]))
        critic.bias.zero_()
        generator.weight.zero_()
        generator.bias.copy_(torch.tensor([-1.5, 3.0]))
    at = GaussianMixture([[2.25, -3.375]], stds=0.01)
    made = live.GANPlane(generator, critic, {"one": at}, still_steps=0, extent=4.5)
    (tmp_path / "still.png").write_bytes(made.still)
    image = torch.tensor(pictures.imread(tmp_path / "still.png"))  # (rows, columns, 3)
    assert image.shape == (220, 220, 3)
    red, _, blue = image.unbind(2)
    assert red[215, 5] > blue[215, 5] and blue[5, 215] > red[5, 215]
    strong = (image.max(2).values - image.min(2).values) > 0.55
    for x, y, color in (-1.5, 3.0, red), (2.25, -3.375, blue):
        row, column = int(220 * (4.5 - y) / 9), int(220 * (x + 4.5) / 9)
        spot = slice(row - 4, row + 4), slice(column - 4, column + 4)
        assert strong[spot].sum() >= 4 and (color[spot][strong[spot]] > 0.8).all()
        strong[spot] = False
    assert not strong.any()


@pytest.mark.browser
def test_modes_are_counted_as_said(show):
    ring = densities.eight_gaussians()
    page = show(figure())
    for updates in (0, 150, 300, 600):
        found = trained(page, updates)
        samples = torch.tensor(found["samples"], dtype=torch.float64).view(-1, 2)
        inside = torch.cdist(samples, ring.means) < 3 * 0.25
        due = (inside.sum(0) >= len(samples) / 8 / 4).sum().item()
        assert (found["covered"], found["of"]) == (due, 8)
        assert found["near"] == pytest.approx(inside.any(1).double().mean().item())
    assert due >= 4  # after a thousand updates: of ten starts all had eight
    page.get_by_role("button", name="Step", exact=True).click()
    assert page.inner_text(".gm-where").startswith("step 1,051")
    words = page.locator(".gm-plane canvas").get_attribute("aria-label")
    assert words.startswith("A GAN: step 1,051, ") and "of 8 modes" in words
    assert page.inner_text(".gm-near").startswith("critic right: ")


# ---- the reader ------------------------------------------------------------------


@pytest.mark.browser
def test_keyboard(show):
    page = show(figure())
    page.get_by_label("generator's rate").press("ArrowRight")
    assert page.get_by_text("generator's rate 0.002").is_visible()
    page.get_by_label("critic's rate").press("Home")
    assert page.get_by_text("critic's rate 0.00001").is_visible()
    page.get_by_label("critic's steps").press("End")
    assert page.get_by_text("critic's steps 5").is_visible()
    page.get_by_role("button", name="Step", exact=True).press("Enter")
    first, before = asked(page, "get()"), flat(net(1, seed=1).half().float())
    assert first["count"] == 1
    moved = (torch.tensor(first["weights"][0]) - before).abs().max()
    assert 1e-5 <= moved < 6e-5  # five steps of a hundred-thousandth
    page.get_by_role("button", name="New start").press("Enter")
    second = asked(page, "get()")
    assert second["count"] == 0 and second["weights"] != first["weights"]
    page.get_by_label("game").select_option("hinge")
    assert page.locator(".gm-ticks text").all_text_contents() == ["2", "0"]
    arrows = page.get_by_role("button", name="Arrows")
    arrows.press("Enter")
    assert arrows.get_attribute("aria-pressed") == "true"
    train = page.get_by_role("button", name="Train")
    train.press("Enter")
    page.wait_for_function(f"{FIGURE}.get().count > 3")
    page.get_by_role("button", name="Pause").press("Enter")
    stopped = asked(page, "get()")["count"]
    page.wait_for_timeout(200)
    assert asked(page, "get()")["count"] == stopped


@pytest.mark.browser
def test_the_pen_by_keyboard(show):
    page = show(figure(sets=two_modes()))
    page.get_by_label("data").select_option("your own drawing")
    assert page.get_by_text("Draw here").is_visible()
    page.get_by_role("button", name="Step", exact=True).click()
    assert asked(page, "get()")["count"] == 0  # nothing to learn from
    pen = page.get_by_role("application")
    for _ in range(4):
        pen.press("Shift+ArrowRight")
    points = torch.tensor(asked(page, "get()")["points"]).view(-1, 2)
    assert points[:, 0].max() == pytest.approx(2, abs=0.4)
    assert points[:, 1].abs().max() < 0.5 and len(points) == 100
    assert not page.get_by_text("Draw here").is_visible()
    assert pen.get_attribute("aria-label") == "Pen at 2.00, 0.00"
    page.get_by_role("button", name="Clear").click()
    assert asked(page, "get()")["points"] == []


@pytest.mark.browser
def test_what_was_drawn_is_learned(show):
    page = show(figure(sets=two_modes()))
    page.get_by_label("data").select_option("your own drawing")
    box = page.locator(".gm-plane").bounding_box()

    def at(x, y):
        return (
            box["x"] + box["width"] * (x + 4.5) / 9,
            box["y"] + box["height"] * (4.5 - y) / 9,
        )

    page.mouse.move(*at(1, 2))
    page.mouse.down()
    page.mouse.move(*at(3, 2), steps=10)
    page.mouse.up()
    page.mouse.move(*at(-3, -3), steps=5)  # not pressed: nothing is drawn
    points = torch.tensor(asked(page, "get()")["points"]).view(-1, 2)
    assert points.mean(0).tolist() == pytest.approx([2, 2], abs=0.15)
    samples = torch.tensor(trained(page, 700)["samples"]).view(-1, 2)
    assert samples.mean(0).tolist() == pytest.approx([2, 2], abs=0.4)
    near = torch.cdist(samples, points).min(1).values < 0.3
    assert near.double().mean() > 0.6


@pytest.mark.browser
def test_touch(show):
    page = show(figure(sets=two_modes()))
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="Step", exact=True).tap()
    assert asked(page, "get()")["count"] == 1
    slider = page.get_by_label("critic's rate")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + 0.99 * box["width"], box["y"] + box["height"] / 2)
    assert page.get_by_text("critic's rate 0.1").is_visible()
    page.get_by_label("data").select_option("your own drawing")
    page.locator(".gm-plane").scroll_into_view_if_needed()
    box = page.locator(".gm-plane").bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    finger, scrolled = page.context.new_cdp_session(page), page.evaluate("scrollY")
    for kind, dy in ("touchStart", 0), ("touchMove", 40), ("touchMove", 90):
        at = {"type": kind, "touchPoints": [{"x": x, "y": y + dy}]}
        finger.send("Input.dispatchTouchEvent", at)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    points = torch.tensor(asked(page, "get()")["points"]).view(-1, 2)
    assert points[:, 0].mean() == pytest.approx(-2.25, abs=0.2)
    assert points[:, 1].min() < 2.25 - 9 * 60 / box["height"]
    assert page.evaluate("scrollY") == scrolled  # the finger drew, and did not scroll


@pytest.mark.browser
def test_a_collapse_is_provoked_and_ended(show):
    page = show(figure())
    button = page.get_by_role("button", name="Provoke collapse")
    button.click()
    assert page.get_by_text("critic's rate 0.0002").is_visible()
    assert page.get_by_text("generator's rate 0.01").is_visible()
    page.get_by_role("button", name="Pause").click()
    asked(page, "start(0)")
    assert trained(page, 1500)["covered"] <= 4
    button.click()
    assert page.get_by_text("critic's rate 0.001").is_visible()
    assert page.get_by_text("critic's steps 1").is_visible()


@pytest.mark.browser
def test_it_rests_out_of_view_and_takes_its_time_under_less_motion(show):
    page = show(figure(), head="<style>body{padding-bottom:3000px}</style>")
    page.get_by_role("button", name="Train").click()
    page.wait_for_function(f"{FIGURE}.get().count > 3")
    page.evaluate("scrollTo(0, 3000)")
    page.wait_for_timeout(300)
    before = asked(page, "get()")["count"]
    page.wait_for_timeout(300)
    assert asked(page, "get()")["count"] == before
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(f"{FIGURE}.get().count > {before}")

    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.get_by_role("button", name="Train").click()
    changes, seconds = page.evaluate("""() => new Promise(done => {
        const root = document.querySelector(".gm-live"), seen = new Set();
        const start = performance.now();
        function watch() {
            const seconds = (performance.now() - start) / 1000;
            seen.add(root.gm.get().count);
            if (seconds > 1.3 && seen.size > 1) done([seen.size - 1, seconds]);
            else requestAnimationFrame(watch);
        }
        watch();
    })""")
    assert changes <= seconds + 1  # the picture changes once a second


@pytest.mark.parametrize(
    "how, words",
    [
        ({"game": gan.LeastSquares()}, "the page plays NonSaturating"),
        ({"game": gan.NonSaturating(0.9)}, "without smoothed labels"),
        ({"rates": (0.003, 0.001)}, "1, 2 or 5 times"),
        ({"rates": (0.001,)}, "expected two"),
        ({"rates": (0.001, -1.0)}, "a learning rate is -1"),
        ({"betas": (0.5, 1.0)}, "below 1"),
        ({"betas": (0.5,)}, "expected two"),
        ({"critic_steps": 6}, "critic_steps"),
        ({"batch": 0}, "batch"),
        ({"extent": math.inf}, "extent"),
        ({"sets": {}}, "no sets"),
        ({"sets": {"line": GaussianMixture([[0.0]], stds=1.0)}}, "no plane"),
    ],
)
def test_refuses(as_users_run_it, how, words):
    with pytest.raises(ValueError, match=words):
        figure(**how)


@pytest.mark.parametrize(
    "generator, critic, words",
    [
        (net(2, nn.GELU), net(1), "the generator has gelu"),
        (net(3), net(1), "the generator takes 2 numbers and gives 3"),
        (net(2), net(2), "the critic takes 2 numbers and gives 2"),
        (net(2), net(1, into=3), "expected 2 and 1"),
        (net(2), nn.Sequential(nn.Tanh(), net(1)), "begin with a Linear"),
        (net(2), nn.ReLU(), "begin with a Linear"),
    ],
)
def test_refuses_nets(as_users_run_it, generator, critic, words):
    with pytest.raises(ValueError, match=words):
        live.GANPlane(generator, critic, still_steps=0)
