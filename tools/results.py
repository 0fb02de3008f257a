"""The results page: made from the zoo's cards, and held to them.

    python tools/results.py               write book/results.md from the cards
    python tools/results.py --check       fail if the page or a weight's hash differs
    python tools/results.py --recompute   measure every shipped model again (full sets)
    python tools/results.py --recompute --update [NAME ...]   and put it on the cards
    python tools/results.py NAME ... --seeds 1 2   train and measure with other seeds

No number of the page is typed by hand.
"""

import argparse
import hashlib
import itertools
import json
import math
import os
import statistics
import sys
from pathlib import Path

from gmcourse import zoo
from gmcourse.zoo.measure import measures

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "results.md"
PICTURE = ROOT / "book" / "_static" / "quality.svg"
AGAIN = ROOT / "_build" / "seeds"
WEIGHTS = Path(zoo.__file__).with_name("weights")

INTRO = """# Results

<!-- Written by tools/results.py from the zoo's cards: edit that, not this. -->

Every number of a model of ours is read from the card that ships with its weights, and
`make results` computes each one again from the weights; it fails where one lies
outside the tolerance stated beside it. The likelihoods are in nats per example
(for 8-bit images also in bits per dimension), lower is better. The number after ±
is the standard error over the test examples.

The Fréchet distance is taken in the feature space of a small classifier of our own
for each set, which ships with the zoo; it is comparable within a table and with
nothing else. Beside it stands what real held-out data scores, the floor, with the
same number of examples. The models that ship were trained with seed {seeds}; what
other seeds give stands under [Spread between seeds](#spread-between-seeds).
"""

HEADINGS = {
    "mnist": (
        "Binarized MNIST",
        "Dynamic binarization: every pixel is drawn anew from its gray value "
        "{cite:p}`burda2016`. The likelihood is an importance-weighted bound with the "
        "number of draws given beside it. The fixed binarization gives other numbers.",
    ),
    "fashion_mnist": (
        "Fashion-MNIST",
        "8-bit images and a discretized logistic likelihood: a probability, "
        "so that bits per dimension are those of the data itself.",
    ),
    "pixelfaces": (
        "Pixelfaces",
        "16×16 color images composed from an artist's parts; no photographs, no real "
        "people. 8-bit and a discretized logistic likelihood.",
    ),
}

# What the papers report, for models with one stochastic layer of 50 latents.
PAPERS = [
    ("VAE, one stochastic layer", 86.76, "burda2016", "table 1, k = 1"),
    ("IWAE (k = 50), one stochastic layer", 84.78, "burda2016", "table 1"),
]


def number(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}"


def row(card: dict) -> list[str]:
    """One model's cells: likelihood, distance, size, cost."""
    metrics = card["metrics"]
    cells = [f"`{card['name']}`", card["title"]]
    nll = metrics.get("nll")
    if nll:
        text = f"{number(nll['value'])} ± {number(nll['std_error'])}"
        if "bits_per_dim" in nll:
            text += f" ({number(nll['bits_per_dim'], 3)} bits/dim)"
        cells += [text, f"{nll['k']:,} × {nll['n']:,}"]
    else:
        cells += ["none" if card["kind"] == "ae" else "not measured", ""]
    distance = metrics.get("frechet")
    if distance:
        cells += [
            f"{number(distance['value'])} (floor {number(distance['floor'])})",
            f"{number(distance['precision'])} / {number(distance['recall'])}",
        ]
    else:
        cells += ["", ""]
    cells += [f"{card['parameters'] / 1e6:.2f} M", cost(card)]
    return cells


def cost(card: dict) -> str:
    minutes = card["minutes"]["cpu"] if card["device"] == "CPU" else None
    if minutes is None:
        return f"{card['minutes']['wall']:.1f} min, {card['device']}"
    text = f"{minutes:.1f} CPU min"
    start = card["recipe"]["start"]
    return text + (f", after `{start}`" if start else "")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def section(source: str, cards: list[dict]) -> str:
    title, words = HEADINGS[source]
    head = [
        "entry",
        "model",
        "nats",
        "draws × images",
        "Fréchet distance",
        "precision / recall",
        "size",
        "training",
    ]
    models = [c for c in cards if c["kind"] != "classifier"]
    parts = [f"## {title}\n", words + "\n", table(head, [row(c) for c in models])]
    judges = [c for c in cards if c["kind"] == "classifier"]
    for judge in judges:
        accuracy = judge["metrics"]["accuracy"]
        parts.append(
            f"\nFeatures: `{judge['name']}`, {number(accuracy['value'], 1)} % of "
            f"{accuracy['n']:,} test images with every label right."
        )
    tolerances = sorted(
        {
            f"{record['label']} {record['tolerance']} {record['unit']}"
            for card in cards
            for record in card["metrics"].values()
        }
    )
    parts.append("\nTolerances: " + "; ".join(tolerances) + ".")
    if source == "mnist":
        published = [[n, number(v), f"{{cite:t}}`{k}`, {w}"] for n, v, k, w in PAPERS]
        parts.append("\nPublished for the same binarization:\n")
        parts.append(table(["model", "nats", "source"], published))
        parts.append(
            "\nThe published networks are fully connected, with two hidden layers of "
            "200 units; `vae-mnist` and `iwae-mnist` are convolutional."
        )
    return "\n".join(parts) + "\n"


def budget_points(cards: list[dict]) -> list[tuple[str, float, float]]:
    """(name, CPU seconds from scratch, nats) of the models of binarized MNIST."""
    minutes = {c["name"]: c["minutes"]["cpu"] for c in cards}
    points = []
    for card in cards:
        nll = card["metrics"].get("nll")
        plain = card["kind"] in ("vae", "iwae") and card["data"]["name"] == "mnist"
        if nll and plain and card["device"] == "CPU" and card["name"] != "vae2d-mnist":
            start = minutes.get(card["recipe"]["start"], 0.0)
            seconds = 60 * (card["minutes"]["cpu"] + start)
            points.append((card["name"], seconds, nll["value"]))
    return sorted(points, key=lambda p: p[1])


def picture(points: list[tuple[str, float, float]]) -> str:
    """Nats against CPU seconds, as an SVG whose text is text."""
    width, height, left, top, right, bottom = 640, 340, 64, 20, 24, 52
    seconds, nats = [p[1] for p in points], [p[2] for p in points]
    x0 = math.floor(math.log10(min(seconds)))
    x1 = math.ceil(math.log10(max(seconds)))
    y0, y1 = math.floor(min(nats)) - 1, math.ceil(max(nats)) + 1

    def at(s: float, v: float) -> tuple[float, float]:
        u = (math.log10(s) - x0) / (x1 - x0)
        w = (v - y0) / (y1 - y0)
        return (
            left + u * (width - left - right),
            height - bottom - w * (height - top - bottom),
        )

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for decade in range(x0, x1 + 1):
        x, y = at(10**decade, y0)
        out.append(
            f'<path d="M{x:.1f} {top}V{y:.1f}" stroke="#ddd"/>'
            f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">'
            f"{10**decade:,}</text>"
        )
    step = max(1, (y1 - y0) // 6)
    for value in range(y0, y1 + 1, step):
        x, y = at(10**x0, value)
        out.append(
            f'<path d="M{x:.1f} {y:.1f}H{width - right}" stroke="#ddd"/>'
            f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
        )
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(s, v) for _, s, v in points))
    out.append(f'<polyline points="{line}" fill="none" stroke="#0072B2"/>')
    for name, s, v in points:
        x, y = at(s, v)
        # The curve falls, so the place above and to the right of a point is free.
        anchor = "end" if x > width - 120 else "start"
        out.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0072B2"/>'
            f'<text x="{x + (8 if anchor == "start" else -8):.1f}" y="{y - 8:.1f}" '
            f'text-anchor="{anchor}">{name}</text>'
        )
    out.append(
        f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">'
        "CPU seconds of training, one thread</text>"
        f'<text x="16" y="{height / 2}" text-anchor="middle" '
        f'transform="rotate(-90 16 {height / 2})">nats per test image</text></svg>'
    )
    return "\n".join(out) + "\n"


def quality_section(points: list[tuple[str, float, float]]) -> str:
    if len(points) < 2:
        return ""
    rows = [[f"`{n}`", f"{s:,.0f}", number(v)] for n, s, v in points]
    first, last = (
        f"{(b[1] - a[1]) / (a[2] - b[2]):,.0f}" for a, b in (points[:2], points[-2:])
    )
    return "\n".join(
        [
            "## Quality for a fixed budget\n",
            "What a model reaches after so many CPU seconds on one thread, from",
            "random weights, on binarized MNIST. Each point is a run of its own with",
            "its own schedule; a model that starts from another one's weights carries",
            "that one's seconds too.\n",
            "```{figure} _static/quality.svg",
            ":alt: Nats per test image against CPU seconds of training, falling",
            ":width: 640px\n",
            f"From the first point to the second a nat costs {first} CPU seconds,",
            f"from the last but one to the last {last}.",
            "```\n",
            table(["entry", "CPU seconds", "nats"], rows),
            "",
        ]
    )


def seeds_section(cards: list[dict]) -> str:
    """The values of the shipped seed beside those of the others."""
    rows, once = [], []
    for card in cards:
        trained = [r for r in card["metrics"].values() if r.get("seeds")]
        if not trained:
            once.append(f"`{card['name']}`")
        for record in trained:
            values = [record["value"], *record["seeds"].values()]
            others = ", ".join(number(v) for v in values[1:])
            spread = number(statistics.stdev(values), 3)
            label = f"{record['label']}, {record['unit']}"
            own = number(values[0])
            rows.append([f"`{card['name']}`", label, own, others, spread])
    head = ["entry", "measure", "shipped seed", "other seeds", "standard deviation"]
    return "\n".join(
        [
            "## Spread between seeds\n",
            "The same recipe from other random weights, the data in another order,",
            "measured in the same way. The weights of these runs do not ship;",
            "`python tools/results.py NAME --seeds 1 2` makes them again. A difference",
            "between two models that is not well above this spread says nothing about",
            "their recipes.\n",
            table(head, rows),
            "\nTrained once: " + (", ".join(once) or "none") + ".",
            "",
        ]
    )


def page(cards: list[dict]) -> str:
    measured = [c for c in cards if c["metrics"]]
    seeds = sorted({str(c["seed"]) for c in measured}) or ["0"]
    parts = [INTRO.format(seeds=", ".join(seeds))]
    for source in HEADINGS:
        part = [c for c in measured if c["data"]["name"] == source]
        if part:
            parts.append(section(source, part))
    parts.append(quality_section(budget_points(measured)))
    parts.append(seeds_section(measured))
    missing = unmeasured(cards)
    if missing:
        parts.append("## Not measured yet\n\n" + "; ".join(missing) + ".\n")
    return "\n".join(p for p in parts if p)


def problems(cards: list[dict]) -> list[str]:
    """What is wrong with the shipped files, each in a sentence."""
    found = []
    for card in cards:
        name = card["name"]
        blob = (WEIGHTS / f"{name}.safetensors").read_bytes()
        if hashlib.sha256(blob).hexdigest() != card["sha256"]:
            found.append(f"{name}: the weights are not those of its card")
        if card["data"]["is_sample"]:
            found.append(f"{name}: trained on a sample, not on the full set")
    total = sum(c["bytes"] for c in cards)
    if total > 25_000_000:
        found.append(f"the weights are {total / 1e6:.1f} MB; at most 25 MB may ship")
    return found


def unmeasured(cards: list[dict]) -> list[str]:
    """What a shipped model's card still lacks, for the page to say."""
    return [
        f"the {measure.label} of `{card['name']}`"
        for card in cards
        for measure in measures(zoo.recipe(card["name"]))
        if measure.key not in card["metrics"]
    ]


def recompute(names: list[str], keys: list[str], update: bool) -> list[str]:
    """Measure again; put it on the card, or report what lies outside."""
    found = []
    for name in names:
        card = zoo.card(name)
        entry, model = zoo.recipe(name), zoo.load(name)
        for measure in measures(entry):
            if keys and measure.key not in keys:
                continue
            known = card["metrics"].get(measure.key)
            record = measure.run(entry, model, quick=False)
            print(f"{name} {measure.key} {record['value']:.4f}", flush=True)
            if update:
                quick = measure.run(entry, model, quick=True)
                described = {"label": measure.label, "unit": measure.unit}
                described["tolerance"] = measure.tolerance
                seeds = (known or {}).get("seeds", {})
                card["metrics"][measure.key] = {
                    **described,
                    **record,
                    "quick": quick,
                    "seeds": seeds,
                }
            elif known is None:
                found.append(f"{name}: {measure.key} is not on its card")
            elif abs(record["value"] - known["value"]) > measure.tolerance:
                found.append(
                    f"{name}: {measure.key} is {record['value']:.4f}, the card says "
                    f"{known['value']:.4f} ± {measure.tolerance}"
                )
        if update:
            write(card)
    return found


def write(card: dict) -> None:
    path = WEIGHTS / f"{card['name']}.json"
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def train_again(names: list[str], seeds: list[int]) -> list[str]:
    """Each recipe with other seeds, as long as the shipped run; values to the cards.

    The weights are kept in ``_build/seeds/SEED``, where a stopped run goes on.
    """
    found = []
    for name, seed in itertools.product(names, seeds):
        card, entry, folder = zoo.card(name), zoo.recipe(name), AGAIN / str(seed)
        if seed == card["seed"]:
            found.append(f"{name}: seed {seed} is the one that ships; name others")
            continue
        if not (folder / f"{name}.json").exists():
            zoo.train(name, folder, seed=seed, steps=card["recipe"]["steps"])
        model = zoo.load(name, folder=folder)
        for measure in measures(entry):
            value = measure.run(entry, model, quick=False)["value"]
            print(f"{name} {measure.key} {value:.4f}, seed {seed}", flush=True)
            card = zoo.card(name)
            card["metrics"][measure.key].setdefault("seeds", {})[str(seed)] = value
            write(card)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="entries (all that ship)")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--seeds", nargs="+", type=int, default=[], help="others")
    parser.add_argument("--keys", nargs="+", default=[], help="measures (all)")
    args = parser.parse_args()
    found: list[str] = []
    if args.recompute or args.seeds:
        # A value of the embedded sample is no value of the results page.
        os.environ["GMCOURSE_STRICT"] = "1"
    if args.seeds:
        found += train_again(args.names or zoo.names(), args.seeds)
    if args.recompute:
        found += recompute(args.names or zoo.names(), args.keys, args.update)
    cards = zoo.cards()
    text = page(cards)
    if args.check:
        found += problems(cards)
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            found.append("book/results.md is out of date: python tools/results.py")
    elif not found:
        PAGE.write_text(text, encoding="utf-8")
        points = budget_points([c for c in cards if c["metrics"]])
        if len(points) > 1:
            PICTURE.write_text(picture(points), encoding="utf-8")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
