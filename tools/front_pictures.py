"""Draw the pictures of the book's front page from the shipped models.

    python tools/front_pictures.py [NAME ...]

writes book/_static/front_*.png and front_live.html, with fixed seeds, and fails where
the pictures weigh more than 300 KB together. A card is at most 366 px wide, and each
picture has two pixels or more for one of these. Run it by hand when the weights change,
and `live` when a live figure's script does.

    live     the latent plane of vae2d-mnist, alive, with test digits as points
    plane    the two latents of vae2d-mnist, decoded on a grid
    digits   samples of vae-mnist
    mixture  spirals, and a mixture of Gaussians that EM fitted to them
    codes    ways between faces through the codes of ae-pixelfaces
    wishes   samples of cvae-mnist: noise by rows, labels by columns
    faces    samples of cgan-pixelfaces, labels by columns
    emoji    held-out emoji, and below each what pix2pix-emoji makes of it
    endings  upper halves of test digits, continued by rowcnn-mnist in several ways
    voices   the ten digits as wavenet-spoken says them
    carried  a grid of normal values, as flow-checkerboard carries it to the data
    moving   paths of ffjord-pinwheel from normal values, and where they end
    cleared  samples of diffusion-fashion on the way from noise, time by rows
    phrased  samples of diffusion-faces, a phrase by row
"""

import sys
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

import gmcourse as gm
from gmcourse import mixtures, zoo
from gmcourse.flows import normal_log_prob
from gmcourse.live import LatentPlane
from gmcourse.phrases import LENGTH, WORDS
from gmcourse.zoo.sources import EMOJI, SPOKEN

FOLDER = Path(__file__).resolve().parent.parent / "book" / "_static"
KILOBYTES = 300
# From paper to ink, through the book's blue: reads well on light and dark pages.
NIGHT, BLUE, SKY, WHITE = (14, 30, 44), (0, 114, 178), (150, 208, 240), (255, 255, 255)


def tint(gray: Tensor) -> Tensor:
    """``(..., h, w)`` in [0, 1] to colors ``(..., 3, h, w)``."""
    stops = torch.tensor([NIGHT, BLUE, SKY, WHITE]) / 255
    at = gray.clamp(0, 1) * (len(stops) - 1)
    low = at.floor().clamp(max=len(stops) - 2)
    part = (at - low)[..., None]
    colors = stops[low.long()] * (1 - part) + stops[low.long() + 1] * part
    return colors.movedim(-1, -3)


def tile(x: Tensor, columns: int, zoom: int, gap: int = 0) -> Tensor:
    """``(n, 3, h, w)`` to one picture ``(4, H, W)``; the gaps are transparent."""
    n, _, h, w = x.shape
    x = torch.cat([x, torch.ones(n, 1, h, w)], 1)
    x = x.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    x = torch.nn.functional.pad(x, (0, gap, 0, gap))
    rows = x.view(-1, columns, *x.shape[1:])
    rows = torch.cat([torch.cat(list(row), 2) for row in rows], 1)
    return rows[:, : rows.shape[1] - gap, : rows.shape[2] - gap]


@torch.no_grad()
def plane() -> Tensor:
    """Codes at the quantiles of the prior: every digit gets its share."""
    columns, rows = 28, 7
    normal = torch.distributions.Normal(0.0, 1.0)
    u = normal.icdf(torch.linspace(0.02, 0.98, columns))
    v = normal.icdf(torch.linspace(0.9, 0.1, rows))
    z = torch.stack(torch.meshgrid(v, u, indexing="ij")[::-1], -1).view(-1, 2)
    logits = zoo.load("vae2d-mnist").decoder(z)
    return tile(tint(logits.sigmoid().view(-1, 28, 28)), columns, zoom=2)


@torch.no_grad()
def live() -> str:
    test, model = gm.data.load("mnist", "test"), zoo.load("vae2d-mnist")
    if test.info.is_sample:
        sys.exit("the live plane shows test digits: get mnist first")
    with gm.seeded(0):
        x = gm.data.binarize(test.x[:500])
    return LatentPlane(
        model.decoder,
        shape=(1, 28, 28),
        points=model.encode(x)[0],
        labels=test.c[:500],
        label="The latent plane of a VAE of digits, with five hundred test digits "
        "encoded as points in ten colors",
    )._repr_html_()


def digits() -> Tensor:
    with gm.seeded(0):
        x = zoo.load("vae-mnist").sample(32, mean=True)
    return tile(tint(x[:, 0]), 8, zoom=4)


def mixture() -> Tensor:
    """The fitted density as a picture, some of its points on it."""
    with gm.seeded(0):
        points = gm.data.densities.spirals().sample(4000)
        fitted = mixtures.fit_mixture(points, 24, steps=60)
    width, height, reach = 840, 420, 4.2
    axis = torch.linspace(-reach, reach, width), torch.linspace(2.1, -2.1, height)
    grid = torch.stack(torch.meshgrid(axis[1], axis[0], indexing="ij")[::-1], -1)
    log_p = fitted.log_prob(grid.view(-1, 2).double()).view(height, width)
    return tile(tint((log_p.exp() / 0.17).float())[None], 1, zoom=1)


@torch.no_grad()
def codes() -> Tensor:
    """Four rows: from one test face to another, in eight steps."""
    model = zoo.load("ae-pixelfaces").autoencoder
    faces = gm.data.to_unit(gm.data.load("pixelfaces", "test").x[:8])
    a, b = model.encode(faces).chunk(2)
    t = torch.linspace(0, 1, 8)[None, :, None]
    x = model.decode(((1 - t) * a[:, None] + t * b[:, None]).flatten(0, 1))
    return tile(x.clamp(0, 1), 8, zoom=6, gap=6)


def wishes() -> Tensor:
    """Each row has its own noise, each column its own label."""
    model, written = zoo.load("cvae-mnist"), []
    for seed in range(5):
        for label in range(10):
            with gm.seeded(seed):
                written.append(model.sample(1, torch.tensor([label]), mean=True))
    return tile(tint(torch.cat(written)[:, 0]), 10, zoom=3)


@torch.no_grad()
def faces() -> Tensor:
    """Of a conditional GAN: a label by column, from plain to all three."""
    with gm.seeded(0):
        x = zoo.load("cgan-pixelfaces").sample(32, torch.arange(8).repeat(4))
    return tile(x, 8, zoom=6, gap=6)


@torch.no_grad()
def emoji() -> Tensor:
    """Of one vendor, and redrawn in the style of another: two rows of each."""
    c = EMOJI.part("test").first()[1]
    assert c is not None
    c = c[::8]
    with gm.seeded(0):
        x = zoo.load("pix2pix-emoji").sample(len(c), c)
    return tile(torch.cat([c[:12], x[:12], c[12:], x[12:]]), 12, zoom=2, gap=4)


def endings() -> Tensor:
    """Each column has its own beginning, each row another continuation."""
    with gm.seeded(0):
        x = gm.data.binarize(gm.data.load("mnist", "test").x[:8]).repeat(4, 1, 1, 1)
        upper = (torch.arange(28) < 14).view(1, 28, 1).expand(1, 28, 28)
        x = zoo.load("rowcnn-mnist").sample(32, given=x, known=upper)
    return tile(tint(x[:, 0]), 8, zoom=4)


def voices() -> Tensor:
    """Ten waveforms: in each column of pixels from the lowest sample to the highest."""
    with gm.seeded(0):
        x = zoo.load("wavenet-spoken").sample(10, torch.arange(10))
    parts = SPOKEN.to_sound(x)[:, :1936].view(10, 88, 22)
    parts = parts / parts.abs().amax((1, 2), keepdim=True)
    level = torch.linspace(1, -1, 110)[None, :, None]
    low, high = parts.amin(2)[:, None], parts.amax(2)[:, None]
    inside = (level >= low - 0.01) & (level <= high + 0.01)
    return tile(tint(inside * 0.75), 5, zoom=2, gap=6)


@torch.no_grad()
def carried() -> Tensor:
    """The density, and where each of the two latent values is a multiple of 1/2."""
    width, height, reach = 840, 420, 4.4
    axis = torch.linspace(-reach, reach, width), torch.linspace(2.2, -2.2, height)
    x = torch.stack(torch.meshgrid(axis[1], axis[0], indexing="ij")[::-1], -1)
    z, log_p = [], []
    flow = zoo.load("flow-checkerboard")
    for rows in x.view(-1, 2).split(20_000):
        to, log_det = flow.to_latent(rows)
        z.append(to)
        log_p.append(normal_log_prob(to) + log_det)
    lines = torch.zeros(height, width)
    for value in torch.cat(z).view(height, width, 2).unbind(-1):
        off = (2 * value - (2 * value).round()).abs()  # 0 on a line
        down, along = torch.gradient(2 * value)
        wide = (down.square() + along.square()).sqrt()  # in lines a pixel
        lines = torch.maximum(lines, (1.5 - off / wide).clamp(0, 1))
    dense = 0.55 * (torch.cat(log_p).view(height, width).exp() / 0.034).clamp(0, 1)
    return tile(tint(torch.maximum(dense, 0.9 * lines))[None], 1, zoom=1)


def moving() -> Tensor:
    """Paths of a continuous flow from normal values, and where they end."""
    width, height, scale = 840, 420, 92.0
    with gm.seeded(0):
        z = torch.randn(1_400, 2)
    flow = zoo.load("ffjord-pinwheel")
    flow.how["steps"] = 300
    way = torch.stack([x for _, x in flow.trajectory(z)]).detach()
    ink = torch.zeros(height, width)
    for points, weight in (way.flatten(0, 1), 0.1), (way[-1].repeat(12, 1), 0.5):
        column, row = (
            (points * torch.tensor([scale, -scale])).round().long()
            + torch.tensor([width // 2, height // 2])
        ).unbind(1)
        seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        amount = torch.full((int(seen.sum()),), weight)
        ink.index_put_((row[seen], column[seen]), amount, accumulate=True)
    return tile(tint(ink.clamp(0, 1))[None], 1, zoom=1)


def cleared() -> Tensor:
    """Clothes on their way from noise to data; time goes down."""
    model = zoo.load("diffusion-fashion")
    with gm.seeded(0):
        way = [x for _, x in model.trajectory(10)]
    chosen = [way[k] for k in (5, 13, 15, 17, 25)]
    return tile(tint(torch.cat(chosen).clamp(0, 1)[:, 0]), 10, zoom=3)


@torch.no_grad()
def phrased() -> Tensor:
    """Faces by phrases of diffusion-faces."""
    wishes = "red hair, glasses, no hat", "blue hat", "green hair, no hat, beard"
    c = WORDS.encode_all(wishes, LENGTH).repeat_interleave(8, 0)
    with gm.seeded(0):
        x = zoo.load("diffusion-faces").sample(24, c, guidance=2.0)
    return tile(x.clamp(0, 1), 8, zoom=6, gap=6)


PICTURES = (
    live,
    plane,
    digits,
    mixture,
    codes,
    wishes,
    faces,
    emoji,
    endings,
    voices,
    carried,
    moving,
    cleared,
    phrased,
)


def write(name: str, picture: Tensor | str, colors: int = 128) -> Path:
    """A page as it is, or a PNG with a palette, which is a third of the size."""
    if isinstance(picture, str):
        path = FOLDER / f"front_{name}.html"
        path.write_text(picture + "\n", encoding="utf-8")
        return path
    path = FOLDER / f"front_{name}.png"
    data = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    image = Image.fromarray(data, "RGBA")
    image = image.quantize(colors, method=Image.Quantize.FASTOCTREE)
    image.save(path, optimize=True)
    return path


def main(names: list[str]) -> int:
    known = {picture.__name__: picture for picture in PICTURES}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no picture {', '.join(unknown)}; there is {', '.join(known)}")
        return 2
    for name in names or known:
        path = write(name, known[name]())
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")
    total = sum(path.stat().st_size for path in FOLDER.glob("front_*.png")) / 1000
    print(f"together: {total:.0f} KB of {KILOBYTES}")
    return int(total > KILOBYTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
