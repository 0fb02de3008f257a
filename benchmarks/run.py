"""Side by side with the peers: one thread, paired runs, medians, ratios.

    make bench                     all; writes book/_data/benchmarks.json and the page
    python benchmarks/run.py gan   some, by the names of PARTS; the other rows stay

Absolute times belong to one machine; the ratios are what is claimed. Each pair runs
in turn, A B A B, so that a change of the machine's speed meets both. The peers live in
an environment of their own, made on the first run from benchmarks/requirements.txt.
"""

import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".venv-bench"
DATA = ROOT / "book" / "_data" / "benchmarks.json"
PAGE = ROOT / "book" / "benchmarks.md"


def enter(script: str = __file__) -> None:
    """Go on in the peers' environment, which is made where it is missing."""
    python = HOME / "bin" / "python"
    if Path(sys.prefix) == HOME:
        return
    stamp, peers = HOME / ".ready", ROOT / "benchmarks" / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != peers.read_text():
        print("installing the peers in .venv-bench", flush=True)
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "torch>=2.6,<2.14"]
        subprocess.run([*pip, "-r", peers, "-e", ROOT], check=True)
        stamp.write_text(peers.read_text())
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    os.execve(python, [str(python), script, *sys.argv[1:]], environment)


def paired(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int, times: int
) -> tuple[float, float, float, float, float]:
    """Median CPU ms of a call of each, and the ratio theirs/ours: median, min, max."""
    a, b = [], []
    for call in (ours, theirs) * 2:
        call()
    for _ in range(rounds):
        for call, record in ((ours, a), (theirs, b)):
            start = time.process_time()
            for _ in range(times):
                call()
            record.append((time.process_time() - start) / times * 1e3)
    ratios = sorted(v / u for u, v in zip(a, b))
    return (
        statistics.median(a),
        statistics.median(b),
        statistics.median(ratios),
        ratios[0],
        ratios[-1],
    )


def beside_one(
    ours: Callable[[], object], theirs: Callable[[], object]
) -> tuple[tuple[float, float, float, float, float], bool]:
    """`paired` for a peer that takes minutes: one run of it amid six of ours.

    All begin with the same seed; the second value says whether they gave the same.
    """
    import torch

    from gmcourse import seeded

    def timed(call: Callable[[], object]) -> tuple[float, object]:
        with seeded(0):
            start = time.process_time()
            result = call()
            return (time.process_time() - start) * 1e3, result

    ours()
    a = [timed(ours) for _ in range(3)]
    b, theirs_made = timed(theirs)
    a += [timed(ours) for _ in range(3)]
    times = sorted(t for t, _ in a)
    middle = statistics.median(times)
    same = torch.equal(a[0][1], theirs_made)
    return (middle, b, b / middle, b / times[-1], b / times[0]), same


def vae_step() -> list[dict]:
    """One update of the same VAE, 784-512-16, Bernoulli, batch 128, Adam 1e-3."""
    import torch
    from gan_steps import forever
    from pythae.models import VAE as Peer
    from pythae.models import VAEConfig
    from torch import nn

    from gmcourse import train
    from gmcourse.likelihoods import Bernoulli
    from gmcourse.nets import mlp
    from gmcourse.vae import VAE

    x = torch.rand(128, 1, 28, 28).round()

    def our_step(autocast=None):
        encoder = nn.Sequential(nn.Flatten(), mlp(784, 512, 32, activation=nn.ReLU))
        decoder = mlp(16, 512, 784, activation=nn.ReLU)
        size = {"latent_dim": 16, "event_shape": (1, 28, 28)}
        model = VAE(encoder, decoder, Bernoulli(), **size)
        adam = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        steps = train(model, forever(x), adam, steps=10**9, autocast=autocast)
        return lambda: next(steps)

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=16, reconstruction_loss="bce")
    peer = Peer(config)
    adam = torch.optim.Adam(peer.parameters(), 1e-3)

    def peer_step():
        # The body of pythae's BaseTrainer.train_step.
        peer.train()
        output = peer({"data": x}, epoch=1, dataset_size=60_000)
        adam.zero_grad()
        output.loss.backward()
        adam.step()
        return output.loss.item()

    rows = []
    for name, dtype, target in (
        ("VAE training step, float32", None, 1.15),
        ("VAE training step, bfloat16", torch.bfloat16, 1.8),
    ):
        if dtype is torch.bfloat16 and not has_bfloat16():
            continue
        figures = paired(our_step(dtype), peer_step, rounds=15, times=20)
        rows.append(row(name, "pythae 0.1.2", figures, target))
    return rows


def gan_steps() -> list[dict]:
    """One update of both players at the sizes of PyTorch-GAN's scripts."""
    import torch
    from gan_steps import dcgan, wgan_gp

    ours, theirs = dcgan()
    figures = paired(ours(), theirs(), rounds=9, times=3)
    rows = [row("DCGAN step, float32", "PyTorch-GAN's dcgan.py", figures, 1.0)]
    if has_bfloat16():
        figures = paired(ours(torch.bfloat16), theirs(), rounds=9, times=3)
        rows += [row("DCGAN step, bfloat16", "PyTorch-GAN's dcgan.py", figures, 1.5)]
    ours, theirs = wgan_gp()
    figures = paired(ours(), theirs(), rounds=15, times=5)
    rows += [row("WGAN-GP step, 5 to 1", "PyTorch-GAN's wgan_gp.py", figures, 1.0)]
    return rows


def gpt_sampling() -> list[dict]:
    """256 tokens of the same weights, with a cache and without one."""
    import autoregressive as peers
    import torch

    from gmcourse import seeded

    model, rows, length = peers.gpt(256), [], 256
    for n, target in (1, 7.0), (16, 25.0):
        work = f"GPT sampling, {n} × {length} tokens"
        ours = partial(model.sample, n)
        naive = partial(peers.without_cache, model, n, length)
        made = []
        for call in ours, naive:
            with seeded(0):
                made.append(call())
        assert torch.equal(*made), "not the same samples"
        figures = paired(ours, naive, rounds=5 if n == 1 else 3, times=1)
        rows.append(row(work, "the loop of nanoGPT, our weights", figures, target))
        for cached in False, True:
            theirs = peers.gpt2_samples(n, length, cached)
            figures = paired(ours, theirs, rounds=3 if cached else 1, times=1)
            name = f"transformers' GPT-2, use_cache={cached}"
            rows.append(row(work, name, figures, 0.0))
    return rows


def pixelcnn_sampling() -> list[dict]:
    """16 images, each pixel once, and with a pass of the network for each pixel."""
    import autoregressive as peers

    model = peers.pixelcnn().eval()
    rows = []
    for name, short in (("pytorch-generative", False), ("the UvA course", True)):
        theirs = partial(peers.pass_for_each_pixel, model.params, 16, rows=short)
        figures, same = beside_one(partial(model.sample, 16), theirs)
        assert same, "not the same samples"
        how = f"the loop of {name}, our weights"
        rows.append(row("PixelCNN sampling, 16 × 28 × 28", how, figures, 200.0))
    return rows


def autoregressive_steps() -> list[dict]:
    """An update of networks of equal size."""
    import autoregressive as peers

    rows = []
    ours, theirs = peers.gpt_steps(12, 64)
    for name, step in theirs.items():
        figures = paired(ours, step, rounds=15, times=10)
        rows.append(row("GPT training step, 12 × 64 tokens", name, figures, 1.0))
    ours, theirs = peers.pixel_steps(64)
    for name, step in theirs.items():
        figures = paired(ours, step, rounds=5, times=1)
        rows.append(row("PixelCNN training step, 64 images", name, figures, 1.0))
    return rows


def flow_steps() -> list[dict]:
    """A gradient and a draw of 1,024 vectors, beside the fastest of three peers."""
    import flows
    import torch

    rows, cases = [], itertools.product(flows.KINDS[1:], (2, 8))
    for kind, d in [(flows.KINDS[0], 2), *cases]:
        x, work = torch.randn(1024, d), f"{kind}, {d} values"
        ours = flows.made("gmcourse", kind, d)
        theirs = {who: flows.made(who, kind, d) for who in flows.PEERS}
        steps = {who: flows.update(flow, x) for who, flow in theirs.items()}
        draws = {who: flows.draws(flow, 1024) for who, flow in theirs.items()}
        compiled = flows.update(ours, x, torch.compile(ours.log_prob))
        # An affine map is little beside its net, whose products and activations are
        # the same work in all libraries: less can be gained.
        aims = (1.0, 1.1) if "affine" in kind else (1.25, 2.0)
        for name, mine, peers, aim in (
            ("gradient", flows.update(ours, x), steps, aims[0]),
            ("gradient, compiled", compiled, steps, aims[1]),
            ("draws", flows.draws(ours, 1024), draws, 1.25),
        ):
            who = fastest(peers)
            figures = paired(mine, peers[who], rounds=15, times=10)
            rows.append(row(f"{work}: {name}", who, figures, aim))
    return rows


def fastest(calls: dict[str, Callable[[], object]]) -> str:
    """The name of the one that takes the least CPU time, the median of seven calls."""

    def taken(call: Callable[[], object]) -> float:
        times = []
        for _ in range(9):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
        return statistics.median(times[2:])

    return min(calls, key=lambda name: taken(calls[name]))


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def feeding() -> list[dict]:
    """One epoch of 60,000 images of 28×28 bytes, scaled to floats, batches of 128."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset, TensorDataset

    from gmcourse import data

    x = torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8)
    c = torch.randint(0, 10, (60_000,))

    class PerImage(Dataset):
        def __len__(self):
            return len(x)

        def __getitem__(self, i):
            return x[i].float() / 255, c[i]

    class Pictures(PerImage):
        """As torchvision's MNIST with ToTensor does it: a PIL image and back."""

        def __getitem__(self, i):
            image = Image.fromarray(x[i, 0].numpy())
            pixels = torch.from_numpy(np.array(image, copy=True))[None]
            return pixels.float().div(255), int(c[i])

    batches = data.Batches(x, c, batch_size=128, transform=data.to_unit)
    whole = DataLoader(TensorDataset(x, c), batch_size=128, shuffle=True)
    single = DataLoader(PerImage(), batch_size=128, shuffle=True)
    pictures = DataLoader(Pictures(), batch_size=128, shuffle=True)

    def ours():
        for _ in range(len(batches)):
            next(batches)

    def tensors():
        for image, _ in whole:
            image.float() / 255

    def images():
        for _ in single:
            pass

    def through_pil():
        for _ in pictures:
            pass

    per_image = paired(ours, images, rounds=3, times=1)
    per_picture = paired(ours, through_pil, rounds=3, times=1)
    tensor = paired(ours, tensors, rounds=5, times=1)
    return [
        row(
            "feeding an epoch", "Dataset of PIL images + DataLoader", per_picture, 50.0
        ),
        row("feeding an epoch", "Dataset of tensors + DataLoader", per_image, 0.0),
        row("feeding an epoch", "TensorDataset + DataLoader", tensor, 2.0),
    ]


def import_time() -> list[dict]:
    """Seconds of ``import gmcourse`` beyond those of ``import torch``."""
    code = (
        "import time, torch; t = time.perf_counter(); import gmcourse; "
        "print(time.perf_counter() - t)"
    )
    runs = []
    for _ in range(7):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        runs.append(1e3 * float(done.stdout))
    runs.sort()
    return [
        {
            "work": "import gmcourse, torch's own time apart",
            "peer": "",
            "ours_ms": statistics.median(runs),
            "limit_ms": 300.0,
            "low": runs[0],
            "high": runs[-1],
        }
    ]


def row(work: str, peer: str, figures: tuple, target: float) -> dict:
    ours, theirs, ratio, low, high = figures
    return {
        "work": work,
        "peer": peer,
        "ours_ms": ours,
        "peer_ms": theirs,
        "ratio": ratio,
        "low": low,
        "high": high,
        "target": target,
    }


def machine() -> dict:
    import torch

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(
            s.split(":")[1].strip() for s in lines if s.startswith("model name")
        )
    except (OSError, StopIteration):
        pass
    return {
        "cpu": name,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def page(record: dict) -> str:
    machines = {
        "{cpu}, torch {torch}, Python {python}".format(**part["machine"])
        for part in record.values()
    }
    lines = [
        "# Speed beside the peers",
        "",
        "<!-- Written by benchmarks/run.py: edit that, not this. -->",
        "",
        "`make bench` measures this table: the same work by the library and by a peer,",
        "one thread, in turn, CPU time. The ratio is the peer's time over ours, the",
        "median of paired runs with the smallest and largest pair. Times belong to the",
        f"machine ({'; or '.join(sorted(machines))});",
        "the ratios are the claim.",
        "",
        "PyTorch-GAN is a collection of scripts: an update of theirs, with their",
        "networks, is written out in `benchmarks/gan_steps.py`. Ours takes the same",
        "networks, fused Adam, and in the DCGAN images with channels last and",
        "`GAN(reuse=True)`, as the script too makes its examples once an update.",
        "",
        "nanoGPT, the PixelCNN of the UvA deep learning course and that of pytorch-",
        "generative are code to be copied as well: what they do is told in our words",
        "in `benchmarks/autoregressive.py`. *Our weights* are the library's model,",
        "sampled in their way, which keeps nothing from one token or pixel to the",
        "next. With the same seed the samples are the very same; that is checked. The",
        "course leaves out the rows below the pixel, and so has half as much to do.",
        "Without a cache a PixelCNN is sampled in one run, which takes minutes. The",
        "networks are as wide and as deep as each other: a GPT of 4 blocks of 128",
        "channels with 65 tokens, a PixelCNN of 7 layers of 64 channels with 256",
        "shades.",
        "",
        "The flows are four maps with nets of two hidden layers of 64, alike in all",
        "libraries (`benchmarks/flows.py`), at 1,024 vectors; beside ours stands the",
        "fastest of zuko, nflows and normflows. *Compiled* is our",
        "`torch.compile(flow.log_prob)`; the peers run as they come.",
        "",
        "| work | peer | ours, ms | peer, ms | ratio | range | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in (r for part in record.values() for r in part["rows"]):
        span = f"{r['low']:.2f} to {r['high']:.2f}"
        if "ratio" in r:
            cells = [f"{r['ours_ms']:.2f}", f"{r['peer_ms']:.2f}", f"{r['ratio']:.2f}×"]
            cells += [span, f"≥ {r['target']:g}×" if r["target"] else ""]
        else:
            cells = [
                f"{r['ours_ms']:.0f}",
                "",
                "",
                f"{r['low']:.0f} to {r['high']:.0f}",
            ]
            cells += [f"< {r['limit_ms']:.0f} ms"]
        lines.append(f"| {r['work']} | {r['peer']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


PARTS: dict[str, Callable[[], list[dict]]] = {
    "vae": vae_step,
    "gan": gan_steps,
    "gpt": gpt_sampling,
    "pixelcnn": pixelcnn_sampling,
    "autoregressive": autoregressive_steps,
    "flows": flow_steps,
    "feeding": feeding,
    "import": import_time,
}


def main() -> int:
    wanted = sys.argv[1:] or list(PARTS)
    if not set(wanted) <= set(PARTS):
        print(f"there are {', '.join(PARTS)}; not {' '.join(wanted)}")
        return 2
    enter()
    import torch

    torch.set_num_threads(1)
    record = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    for name in wanted:
        record[name] = {"machine": machine(), "rows": PARTS[name]()}
        ordered = {part: record[part] for part in PARTS if part in record}
        DATA.parent.mkdir(exist_ok=True)
        DATA.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(ordered), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))
    rows = [r for name in wanted for r in record[name]["rows"]]
    short = [
        r["work"]
        for r in rows
        if r.get("ratio", 1e9) < r.get("target", 0)
        or r["ours_ms"] >= r.get("limit_ms", 1e9)
    ]
    print("short of its aim: " + ", ".join(short) if short else "every aim is met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
