"""Plant real mistakes, one at a time; the tests must catch every one.

    python tools/mutate.py [WORD ...]     all mutants, or those whose name has a word

Each mutant is one replacement in one file of the library. The tests named beside it
run on a copy of the sources in a temporary folder; a mutant that survives is
reported and the exit status is 1. The catalog is made of mistakes that were seen in
the wild: flipped signs, a mean for a sum, an average taken the wrong way round.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src" / "gmcourse"


@dataclass(frozen=True)
class Mutant:
    """A mistake: what it is, where it is, and who should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str


def _mutants(file: str, tests: str, *changes: tuple[str, str, str]) -> list[Mutant]:
    return [Mutant(name, file, old, new, tests) for name, old, new in changes]


CATALOG: list[Mutant] = [
    *_mutants(
        "core.py",
        "tests/test_devices.py -k models",
        ("noise is always on the CPU", "device=weight.device, ", ""),
    ),
    *_mutants(
        "basics.py",
        "tests/test_devices.py -k without",
        ("a floor on the CPU", "torch.eye(x.shape[1]).to(covs)", "torch.eye(2)"),
    ),
    *_mutants(
        "core.py",
        "tests/test_contract.py tests/test_training.py",
        ("EMA reversed", "current, 1.0 - decay)", "current, decay)"),
        ("EMA forgets buffers", "kept.copy_(seen)", "pass"),
        ("EMA without its ramp", "min(self.decay, (1 + ", "max(self.decay, (0 * "),
        ("sampling leaves eval mode on", "module.training = training", "pass"),
        (
            "sampling forgets frozen parts",
            "module.training = training",
            "module.training = modes[0][1]",
        ),
        ("sampling in train mode", "with evaluating(self):", "if True:"),
        ("seeded leaks into the outer stream", "fork_rng(", "fork_rng(enabled=False, "),
        ("labels not checked from above", "c.max() < self.classes", "True"),
    ),
    *_mutants(
        "training.py",
        "tests/test_training.py",
        ("gradients pile up", "optimizer.zero_grad(set_to_none=True)", "pass"),
        ("schedule one step late", "schedule(run.step)", "schedule(run.step + 1)"),
        ("non-finite loss passes", "if finite:", "if True:"),
        ("warm-up starts at zero", "(step + 1) / warmup", "step / warmup"),
    ),
    *_mutants(
        "_run.py",
        "tests/test_resume.py tests/test_training.py",
        (
            "resume forgets the optimizer",
            "self.optimizers[player].load_state_dict(saved)",
            "pass",
        ),
        (
            "resume forgets the data's place",
            'load_state_dict(state["data"])',
            "epoch()",
        ),
        ("resume forgets the random stream", 'set_rng_state(state["rng"])', "seed()"),
        (
            "resume forgets the average's age",
            'self.ema.updates = state["ema"]["updates"]',
            "pass",
        ),
        (
            "step counted before the save",
            'self.step = self.saved = meta["step"]',
            "pass",
        ),
        ("a longer run cut short in silence", 'if meta["step"] > steps:', "if False:"),
        ("other optimizers loaded", "if mine[part] != there:", "if False:"),
        (
            "an optimizer of another model",
            "if not any(id(p) in known for group",
            "if not any(True for group",
        ),
    ),
    *_mutants(
        "checkpoint.py",
        "tests/test_resume.py tests/test_training.py",
        ("checksum not compared", 'intact = seal["sha256"] ==', 'intact = "" !='),
        ("the previous file is not kept", "if path.exists():", "if False:"),
        ("for a moment no file", "os.link(path, link)", "raise OSError"),
        (
            "written in place",
            'temporary = _sibling(path, f".{os.getpid()}.tmp")',
            "temporary = path",
        ),
        ("half-written file left behind", "temporary.unlink()", "pass"),
        ("a folder moved away", "if path.is_dir():", "if False:"),
    ),
    *_mutants(
        "vae.py",
        "tests/test_vae.py",
        ("KL with a plus for log_std", "- 1 - 2 * log_std)", "- 1 + 2 * log_std)"),
        ("KL without its half", "return 0.5 * (mean.square()", "return (mean.square()"),
        (
            "KL averaged over latents",
            "- 1 - 2 * log_std).sum(-1)",
            "- 1 - 2 * log_std).mean(-1)",
        ),
        (
            "log_std read as log variance",
            "return mean + log_std.exp()",
            "return mean + (0.5 * log_std).exp()",
        ),
        (
            "one noise for the batch",
            "return mean + log_std.exp() * torch.randn_like(mean)",
            "return mean + log_std.exp() * torch.randn_like(mean[:1])",
        ),
        ("std detached", "mean + log_std.exp()", "mean + log_std.detach().exp()"),
        (
            "Gaussian constant once, not per dimension",
            " - 0.5 * LOG_2PI).sum(-1)",
            ").sum(-1) - 0.5 * LOG_2PI",
        ),
        ("IWAE without log k", ".logsumexp(0) - math.log(k)", ".logsumexp(0)"),
        ("IWAE averages logs", ".logsumexp(0) - math.log(k)", ".mean(0)"),
        ("q forgotten in the weights", " - gaussian_log_prob(z, mean, log_std)", ""),
        ("labels in the wrong order", "c.repeat(k)", "c.repeat_interleave(k)"),
        (
            "beta on the reconstruction",
            "self.beta * kl - log_lik",
            "kl - self.beta * log_lik",
        ),
        (
            "oracle without the noise",
            "return w @ w.T + noise",
            "return w @ w.T + 2 * noise",
        ),
        (
            "sample without its noise",
            "return mean + self.log_std.exp() * torch.randn_like(mean)",
            "return mean",
        ),
    ),
    *_mutants(
        "likelihoods.py",
        "tests/test_vae.py",
        (
            "Bernoulli sign",
            "(x * params - F.softplus(params))",
            "(F.softplus(params) - x * params)",
        ),
        (
            "Bernoulli mean over pixels",
            "F.softplus(params)).flatten(1).sum(1)",
            "F.softplus(params)).flatten(1).mean(1)",
        ),
        ("Gaussian constant counted once", "scaled.shape[1] * constant", "constant"),
        ("Gaussian without log std", ".square() - std.log()", ".square()"),
        (
            "half bins too wide",
            "half = 0.5 / (self.levels - 1)",
            "half = 0.5 / self.levels",
        ),
        (
            "edge bins not open",
            "torch.where(x < half, below,",
            "torch.where(x < -half, below,",
        ),
        ("bin width forgotten", " + torch.log(-torch.expm1(-width))", ""),
        (
            "logistic sampled with the wrong sign",
            "u.log() - (-u).log1p()",
            "u.log() + (-u).log1p()",
        ),
    ),
    *_mutants(
        "autoencoders.py",
        "tests/test_autoencoders.py",
        (
            "error averaged over pixels",
            "(x - y).square().flatten(1).sum(1)",
            "(x - y).square().flatten(1).mean(1)",
        ),
        (
            "denoiser compared with the noisy input",
            "squared_error(x, self.decode(self.encode(noisy)))",
            "squared_error(noisy, self.decode(self.encode(noisy)))",
        ),
        ("noise is a variance", "x + self.std * torch", "x + self.std**0.5 * torch"),
        (
            "penalty that rescaling can cheat",
            "(z * self.decoder.weight.norm(dim=0))",
            "z",
        ),
        ("codes may be negative", "self.encoder(x).relu()", "self.encoder(x)"),
        ("Cholesky factor transposed", "eps @ self.cholesky.T", "eps @ self.cholesky"),
    ),
    *_mutants(
        "nets.py",
        "tests/test_autoencoders.py",
        (
            "height and width swapped",
            "(width, height // 4, breadth // 4)",
            "(width, breadth // 4, height // 4)",
        ),
        (
            "label planes of the wrong label",
            "F.one_hot(c, self.classes)",
            "F.one_hot(c.flip(0), self.classes)",
        ),
    ),
    *_mutants(
        "metrics.py",
        "tests/test_metrics.py",
        (
            "bits with the wrong base",
            "math.prod(event_shape) * math.log(2)",
            "math.prod(event_shape) * math.log(10)",
        ),
        ("Fréchet without its cross term", " - 2 * cross)", ")"),
        (
            "Fréchet with a biased mean term",
            "(a.mean(0) - b.mean(0)).square().sum()",
            "(a.mean(0) - b.mean(0)).abs().sum()",
        ),
        (
            "kernel distance with the diagonal",
            "(gram.sum() - gram.trace())",
            "gram.sum()",
        ),
        (
            "own point counted as a neighbor",
            "kthvalue(k + 1, dim=1)",
            "kthvalue(k, dim=1)",
        ),
        (
            "precision and recall exchanged",
            "return inside(fake, real), inside(real, fake)",
            "return inside(real, fake), inside(fake, real)",
        ),
        ("features in train mode", "with evaluating(self):", "if True:"),
        ("draws of the last part counted wrong", "min(draws, k - done)", "draws"),
    ),
    *_mutants(
        "metrics.py",
        "tests/test_arguments.py",
        ("labels too few shorten the estimate", "    vae.check(x, c)\n", ""),
        ("a wrong label is taken modulo", "c.max() <= top", "True"),
    ),
    *_mutants(
        "basics.py",
        "tests/test_basics.py",
        ("histogram without the cells' size", " - self.width.log().sum()", ""),
        (
            "points outside put into a cell",
            "where(cell < 0, -math.inf,",
            "where(cell < -1, -math.inf,",
        ),
        ("shares not divided by n", "weights=n_j / len(x)", "weights=n_j / n_j.max()"),
        (
            "covariance about the mean of all",
            "diff = x[:, None] - means",
            "diff = x[:, None] - x.mean(0)",
        ),
        (
            "floor is a variance",
            "floor**2 * torch.eye(x.shape[1]",
            "floor * torch.eye(x.shape[1]",
        ),
        (
            "seeds drawn by distance, not its square",
            ".amin(1).square()",
            ".amin(1)",
        ),
        (
            "unseen pixels counted as black",
            "seen @ F.softplus(self.logits).T",
            "F.softplus(self.logits).sum(1)",
        ),
        (
            "smoothing counted once",
            "(n_j + 2 * smoothing)[:, None]",
            "(n_j + smoothing)[:, None]",
        ),
    ),
    *_mutants(
        "data/batches.py",
        "tests/test_data_batches.py",
        ("the same order in every epoch", "spawn_key=(epoch,)", "spawn_key=(0,)"),
        (
            "labels not shuffled with x",
            "self.c.index_select(0, rows)",
            "self.c[start:stop]",
        ),
        ("a pass without its last batch", "range(0, len(self.x), ", "range(0, 4, "),
        ("resume at the epoch's start", "self._position = position\n", "pass\n"),
        (
            "NaN in data passes",
            "if x.is_floating_point() and not torch.isfinite(x).all():",
            "if False:",
        ),
    ),
    *_mutants(
        "data/transforms.py",
        "tests/test_data_batches.py",
        ("white comes out black", "torch.rand_like(mean).lt_(mean)", "mean.lt(0.5)"),
        ("255 levels, not 256", "pixels.add_(u).div_(256)", "pixels.add_(u).div_(255)"),
        ("pixels over 256", ".float().div_(255)", ".float().div_(256)"),
    ),
    *_mutants(
        "data/densities.py",
        "tests/test_densities.py",
        ("rings not averaged", " - math.log(len(big))", ""),
        (
            "density twisted the way of the samples",
            "base.log_prob(twist(x, -rate))",
            "base.log_prob(twist(x, rate))",
        ),
        (
            "banana's samples and density apart",
            "(x[:, 0] ** 2 - a**2)) / b",
            "x[:, 0] ** 2) / b",
        ),
        ("funnel without its log-det", "(e1**2 + e2**2 + x[:, 0])", "(e1**2 + e2**2)"),
        (
            "picture upside down",
            "mass = mass.flipud() / mass.sum()",
            "mass = mass / mass.sum()",
        ),
    ),
    *_mutants(
        "data/energies.py",
        "tests/test_densities.py",
        (
            "barrier not at the origin",
            "((x[:, 0] / distance) ** 2 - 1) ** 2",
            "((x[:, 0] / distance) - 1) ** 2",
        ),
    ),
    *_mutants(
        "_arguments.py",
        "tests/test_arguments.py",
        ("True counts as one", "or isinstance(value, bool)", ""),
        ("no upper bound", "if not low <= number <= high:", "if not low <= number:"),
        ("NaN is nonnegative", "if not 0 <= value < math.inf:", "if value < 0:"),
        ("gray values as pixels", "if not (low >= 0 and high <= 1):", "if low < 0:"),
    ),
    *_mutants(
        "data/mixture.py",
        "tests/test_densities.py",
        ("score with the wrong sign", "pull = -torch.einsum", "pull = torch.einsum"),
        (
            "diffused noise is a deviation",
            "noise = sigma**2 * torch.eye",
            "noise = sigma * torch.eye",
        ),
        (
            "factor transposed in sampling",
            '"nij,nj->ni", self._factor',
            '"nji,nj->ni", self._factor',
        ),
        (
            "entropy with a plus",
            "return -(log_p.exp() * log_p).sum()",
            "return (log_p.exp() * log_p).sum()",
        ),
    ),
    *_mutants(
        "data/structured.py",
        "tests/test_structured.py",
        (
            "constant patterns counted twice",
            "torch.cat([bars, bars[1:-1].mT])",
            "torch.cat([bars, bars.mT])",
        ),
        (
            "neighbors across alone",
            "self.coupling * (across + down)",
            "self.coupling * (across + across)",
        ),
        (
            "one row too few",
            "for _ in range(self.side - 1):",
            "for _ in range(self.side - 2):",
        ),
    ),
    *_mutants(
        "data/fetch.py",
        "tests/test_data_fetch.py",
        ("hash not compared", "if found != expected:", "if False:"),
        (
            "offline is not asked about",
            'elif flag("GMCOURSE_OFFLINE"):',
            "elif False:",
        ),
        (
            "second process downloads again",
            "if locked and locate(entry, file, cache):",
            "if False:",
        ),
    ),
    *_mutants(
        "data/download.py",
        "tests/test_data_fetch.py",
        (
            "written in place",
            "os.replace(temporary, folder / name)",
            "(folder / name).write_bytes(data)",
        ),
    ),
    *_mutants(
        "live.py",
        "tests/test_live.py -m 'not browser'",
        (
            "size of a layer not compared",
            "width not in (None, layer",
            "None in (0, layer",
        ),
        ("overflow in half precision", "not torch.isfinite(half).all()", "False"),
        ("PNG rows without their filter byte", 'b"\\0" + row', "row"),
        ("gray written as color", "0 if c == 1 else 2", "2"),
    ),
    *_mutants(
        "checks/_statistics.py",
        "tests/test_checks.py -k 'not prove'",
        ("one-sided tail", "erfc(z.abs() / 2**0.5)", "erfc(z / 2**0.5)"),
        ("mean without sqrt n", " / std * len(x) ** 0.5", " / std"),
        ("half the divergence", "torch.exp(-counts.sum() * rate)", "torch.exp(-rate)"),
        (
            "Massart without its two",
            "torch.exp(-2 * len(x) * gap",
            "torch.exp(-len(x) * gap",
        ),
    ),
    *_mutants(
        "checks/_trial.py",
        "tests/test_checks.py -k 'not prove'",
        (
            "NaN passes as close",
            "return ~(near | (a == b))",
            "return ~(near | (a == b) | a.isnan())",
        ),
        ("broadcasting passes", "if b.dim() and a.shape != b.shape:", "if False:"),
        ("inputs changed in place pass", "not torch.equal(a, b.to(a.device))", "False"),
        ("reseeding passes", "if torch.initial_seed() != before:", "if False:"),
        (
            "no correction for many columns",
            "tests.min() * len(tests) >= ALPHA",
            "tests.min() >= ALPHA",
        ),
    ),
]


def misplaced() -> list[str]:
    """Mutants whose text does not stand in its file exactly once."""
    wrong = []
    for mutant in CATALOG:
        count = (LIBRARY / mutant.file).read_text(encoding="utf-8").count(mutant.old)
        if count != 1:
            wrong.append(f"{mutant.file}, {mutant.name}: found {count} times, not once")
    return wrong


def caught(mutant: Mutant, folder: Path) -> bool:
    """Whether the tests notice the mistake."""
    sources = folder / "src"
    shutil.copytree(ROOT / "src", sources, dirs_exist_ok=True)
    path = sources / "gmcourse" / mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    # The path comes before the installed package, so that the copy is tested.
    environment = {**os.environ, "PYTHONPATH": str(sources), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *shlex.split(mutant.tests)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"{mutant.name}: pytest could not run\n{done.stdout[-2000:]}"
        )
    return done.returncode == 1


def main(words: list[str]) -> int:
    wrong = misplaced()
    if wrong:
        print("\n".join(wrong))
        return 1
    chosen = [
        m for m in CATALOG if not words or any(w in f"{m.file} {m.name}" for w in words)
    ]
    survivors, start = [], time.monotonic()
    for mutant in chosen:
        with tempfile.TemporaryDirectory() as folder:
            noticed = caught(mutant, Path(folder))
        verdict = "caught  " if noticed else "SURVIVED"
        print(f"{verdict}  {mutant.file}: {mutant.name}", flush=True)
        survivors += [] if noticed else [mutant]
    seconds = time.monotonic() - start
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught in {seconds:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
