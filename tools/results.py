"""The results page: made from the zoo's cards, and held to them.

    python tools/results.py               write book/results.md from the cards
    python tools/results.py --check       fail if the page or a weight's hash differs
    python tools/results.py --recompute   measure every shipped model again (full sets)
    python tools/results.py --recompute --update [NAME ...]   and put it on the cards
    python tools/results.py NAME ... --adopt FOLDER   take what `zoo train` made there
    python tools/results.py NAME ... --seeds 1 2   train and measure with other seeds

No number of the page is typed by hand.
"""

import argparse
import hashlib
import itertools
import math
import os
import re
import statistics
import sys
from pathlib import Path

from gmcourse import _files, zoo
from gmcourse.zoo.measure.base import number

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "results.md"
PICTURE = ROOT / "book" / "_static" / "quality.svg"
AGAIN = ROOT / "_build" / "seeds"
CARDS = ROOT / "src" / "gmcourse" / "zoo" / "weights"
REST = ROOT / "weights"  # what does not ship in the package

INTRO = """# Results

<!-- Written by tools/results.py from the zoo's cards: edit that, not this. -->

Every number of a model of ours is read from the card that ships with the package.
`make results` measures each model again from its weights, and fails where a measure
lies outside the tolerance stated below its table. Sizes (in parameters), times of
training and what other seeds gave are records of the training.

How well a model predicts the test examples is given in nats per example (for 8-bit
images also in bits per dimension, for a text per character), lower is better, and
beside it stands what kind of number it is: an *exact* value of −log p, an *upper bound*
on it, or an *estimate*. A bound may lie far above the value, so a model with a looser
bound can be the better one. −ELBO is an upper bound too, the looser one. The number
after ± is the standard error over the test examples.

The Fréchet distance is taken in the feature space of a small classifier of our own
for each set, which ships with the zoo; it is comparable within a table and with
nothing else. In the head stands what real held-out data scores, the floor, with the
same number of examples. The models that ship were trained with seed {seeds}; what
other seeds give stands under [Spread between seeds](#spread-between-seeds).
"""

_PLANE = (
    "Points of the plane whose density is known, 100,000 to learn from. Its entropy is "
    "what no model's mean can beat in expectation. How far a model lies above it is "
    "taken from truth and model at the same points, which scatters less."
)
# What is to be known of a set: a title and a word on its numbers.
HEADINGS = {
    "mnist": (
        "Binarized MNIST",
        "Dynamic binarization: every pixel is drawn anew from its gray value "
        "{cite:p}`burda2016`. The fixed binarization gives other numbers. The test "
        "pictures were drawn once, with a fixed seed: what is exact, is so for these.",
    ),
    "mnist8": (
        "8-bit MNIST",
        "The gray values themselves, 256 of them: a probability for each picture, or "
        "an upper bound on its −log where a density of pixels with noise is the model.",
    ),
    "digits16": (
        "Digits of 16×16 pixels",
        "Those of MNIST at half the size, with a frame of one pixel, 0 or 1 by a "
        "threshold of one half: no chance in them.",
    ),
    "faces64": (
        "Pixelfaces in 64 colors",
        "Each pixel is the number of one of the set's 64 most frequent colors, the "
        "nearest one: another set than the faces with all their colors.",
    ),
    "digits14_8bit": (
        "8-bit digits of 14×14 pixels",
        "Means of 2×2 pixels of MNIST, rounded to whole numbers: the bits of an image "
        "are fewer than at the full size, and those of a pixel more.",
    ),
    "fashion_mnist": (
        "Fashion-MNIST",
        "8-bit images and a discretized logistic likelihood: a probability, "
        "so that bits per dimension are those of the data itself.",
    ),
    "pixelfaces": (
        "Pixelfaces",
        "16×16 color images composed from an artist's parts; no photographs, no real "
        "people. 8-bit and a discretized logistic likelihood. A face is read as "
        "phrased where a classifier reads each trait that its phrase names as it is "
        "named; the draws are guided, with the weight on the card.",
    ),
    "tinyshakespeare": (
        "Tiny Shakespeare",
        "The last tenth of the text, 111,540 characters of 65 kinds, by models of "
        "windows of 128. Each character is predicted once, with at least 64 before it "
        "in its window, but for those at the start of the text.",
    ),
    "names": (
        "First names",
        "Every tenth of 32,033 names in lower case. An example is a name and what "
        "follows it: its end, and more of them up to 16 tokens, which cost next to "
        "nothing.",
    ),
    "grid25": (
        "Twenty-five Gaussians",
        "A mixture in the plane whose 25 modes are known. Of 10,000 samples those "
        "within 3 standard deviations of the nearest mode are of high quality, and a "
        "mode with one of them or more is covered. Both count what was drawn: a mode "
        "that is covered may be drawn much more seldom than the others.",
    ),
    "checkerboard": ("A checkerboard", _PLANE),
    "rings": ("Three rings", _PLANE),
    "pinwheel": ("A pinwheel", _PLANE),
    "eight": ("Eight Gaussians", _PLANE),
    "stacked_mnist": (
        "Stacked MNIST",
        "Three digits in three color channels {cite:p}`metz2017`: 1,000 modes, which a "
        "classifier of digits counts in 26,000 draws. The divergence is that of the "
        "counted shares from the uniform distribution. The three games have one "
        "generator, and their training about the same CPU time.",
    ),
    "fsdd": (
        "Spoken digits",
        "Ten words by six speakers, half a second each: 2,000 tokens of 128 by the "
        "μ-law, 4,000 in a second. Silence is cut off at both ends and padded at the "
        "end, and its tokens count like others. The test recordings are five of each "
        "word and speaker; the speakers are those of the training set.",
    ),
    "moses_50k": (
        "Molecules",
        "50,000 molecules of MOSES (Polykovskiy et al., 2020) as strings, 45,000 of "
        "them to learn from; `gmcourse.molecules` reads and compares them. Published "
        "there for a recurrent network, CharRNN, that learned from 1.6 million: 97.5 % "
        "of 30,000 strings are valid, and of these molecules 84.2 % are novel beside "
        "all that it learned from.",
    ),
    "emoji32_twitter": (
        "Emoji into emoji",
        "1,720 emoji in the styles of two vendors to learn from, at 32×32 pixels, and "
        "191 held-out ones. CycleGAN is not told the pairs. The control is whoever "
        "leaves a picture as it is: chapter 5 measures that too.",
    ),
}

# What the papers report of a set: the rows of a table, and a word on them.
PAPERS = {
    "mnist": (
        [
            ("VAE, one stochastic layer", 86.76, "burda2016", "table 1, k = 1"),
            ("IWAE (k = 50), one stochastic layer", 84.78, "burda2016", "table 1"),
            ("MADE", 84.87, "hotaj2020", "its own runs"),
            ("gated PixelCNN", 81.50, "hotaj2020", "its own runs"),
            ("image GPT", 79.17, "hotaj2020", "its own runs"),
        ],
        "The first two are importance-weighted bounds with 5,000 draws, of models with "
        "50 latents and fully connected networks of two hidden layers of 200 units, "
        "where the larger ones here are convolutional. The last three are exact.",
    )
}
BUDGET = "mnist"  # the set of the picture of quality against cost


def cells(card: dict) -> dict[str, str]:
    """The columns of a model's measures, and what stands in them."""
    found: dict[str, str] = {}
    for measure in zoo.recipe(card["name"]).measures:
        if measure.key in card["metrics"]:
            found |= measure.cells(card["metrics"][measure.key])
    return found


def tables(cards: list[dict]) -> list[list[dict]]:
    """Groups of cards: two that share a column stand in one table."""
    groups: list[list[dict]] = []
    for card in cards:
        mine = [g for g in groups if any(cells(c).keys() & cells(card) for c in g)]
        groups = [g for g in groups if g not in mine]
        groups.append([c for g in mine for c in g] + [card])
    place = [card["name"] for card in cards].index
    groups = [sorted(g, key=lambda card: place(card["name"])) for g in groups]
    return sorted(groups, key=len, reverse=True)


def comparison(cards: list[dict]) -> str:
    """One table: a row a model, a column each number that one of them has."""
    widest = sorted(cards, key=lambda card: len(cells(card)), reverse=True)
    columns = list(dict.fromkeys(key for card in widest for key in cells(card)))
    rows = []
    for card in cards:
        have = cells(card)
        rows.append(
            [
                f"`{card['name']}`<br>{card['title']}",
                *(have.get(column, "") for column in columns),
                f"{card['parameters'] / 1e6:.2f} M<br>{cost(card)}",
            ]
        )
    return table(["entry", *columns, "size, training"], rows)


def cost(card: dict) -> str:
    minutes = card["minutes"]["cpu"] if card["device"] == "CPU" else None
    if minutes is None:
        return f"{card['minutes']['wall']:.1f} min, {card['device']}"
    text = f"{minutes:.1f}&nbsp;CPU&nbsp;min"
    start = card["recipe"]["start"]
    return text + (f", after `{start}`" if start else "")


def table(head: list[str], rows: list[list[str]]) -> str:
    numbers = [all(re.match(r"[\d−]|$", cell) for cell in v) for v in zip(*rows)]
    marks = "".join("---:|" if right else "---|" for right in numbers)
    lines = ["| " + " | ".join(head) + " |", "|" + marks]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def section(source: str, cards: list[dict]) -> str:
    """A set: its tables, the tolerances, and what is published."""
    title, words = HEADINGS.get(source, (cards[0]["data"]["title"], ""))
    parts = [f"## {title}\n", *([words + "\n"] if words else [])]
    parts.append("\n\n".join(comparison(group) for group in tables(cards)))
    tolerances = sorted(
        {
            f"{record['label']} {record['tolerance']} {record['unit']}"
            for card in cards
            for record in card["metrics"].values()
        }
    )
    likelihoods = [card["metrics"].get("neg_log_p", {}) for card in cards]
    counts = sorted({record["n"] for record in likelihoods if "n" in record})
    over = " and ".join(f"{n:,}" for n in counts)
    told = f"Nats: means over {over} test examples. " if counts else ""
    parts.append(f"\n{told}Tolerances: " + "; ".join(tolerances) + ".")
    if source in PAPERS:
        papers, words = PAPERS[source]
        published = [[n, number(v), f"{{cite:t}}`{k}`, {w}"] for n, v, k, w in papers]
        parts.append("\nPublished for the same data:\n")
        parts.append(table(["model", "nats", "source"], published))
        parts.append(f"\n{words}")
    return "\n".join(parts) + "\n"


def budget_points(cards: list[dict]) -> list[tuple[str, float, float]]:
    """(name, CPU seconds from scratch, nats), each better than all cheaper ones.

    Of the models of one set whose bound is on the same quantity, -log p(x).
    """
    minutes = {c["name"]: c["minutes"]["cpu"] for c in cards}
    points = []
    for card in cards:
        record = card["metrics"].get("neg_log_p", {})
        same = record.get("of") == "-log p(x)" and card["data"]["name"] == BUDGET
        if same and card["device"] == "CPU":
            start = minutes.get(card["recipe"]["start"], 0.0)
            seconds = 60 * (card["minutes"]["cpu"] + start)
            points.append((card["name"], seconds, record["value"]))
    front: list[tuple[str, float, float]] = []
    for point in sorted(points, key=lambda p: p[1]):
        if not front or point[2] < front[-1][2]:
            front.append(point)
    return front


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
            "random weights, on binarized MNIST: upper bounds on −log p(x). Each point",
            "is a run of its own with its own schedule; a model that starts from",
            "another one's weights carries that one's seconds too. A model that is no",
            "better than a cheaper one is left out. The bounds are not all of equally",
            "many draws, which stand above; one of fewer is looser.\n",
            "```{figure} _static/quality.svg",
            ":alt: Nats per test image against CPU seconds of training, falling",
            ":width: 640px\n",
            f"From the first point to the second a nat costs {first} CPU seconds,",
            f"from the last but one to the last {last}.",
            "```\n",
            table(["entry", "CPU seconds", "nats, at most"], rows),
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
            spread = statistics.stdev(values)
            # As many as it takes for the values to differ where the runs do.
            few = min(max(2, -math.floor(math.log10(spread))), 4) if spread else 2
            own, *others = (number(v, few) for v in values)
            label = f"{record['label']}, {record['unit']} ({record['kind']})"
            row = f"`{card['name']}`", label, own, ", ".join(others)
            rows.append([*row, number(spread, max(few, 3))])
    head = ["entry", "measure", "shipped seed", "other seeds", "standard deviation"]
    return "\n".join(
        [
            "## Spread between seeds\n",
            "The same recipe from other random weights, the data in another order,",
            "measured in the same way. The weights of these runs do not ship;",
            "`python tools/results.py NAME --seeds 1 2` makes them again. A difference",
            "between two models that is not well above this spread says nothing about",
            "their recipes; and a spread of two or three runs is itself a rough",
            "number.\n",
            table(head, rows),
            "\nTrained once: " + (", ".join(once) or "none") + ".",
            "",
        ]
    )


def page(cards: list[dict]) -> str:
    measured = [c for c in cards if c["metrics"]]
    seeds = sorted({str(c["seed"]) for c in measured}) or ["0"]
    parts = [INTRO.format(seeds=", ".join(seeds))]
    known = [c["data"]["name"] for c in measured]
    order = [*(name for name in HEADINGS if name in known), *known]
    for source in dict.fromkeys(order):
        part = [c for c in measured if c["data"]["name"] == source]
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
        path = weights_of(card)
        if not path.exists():
            found.append(f"{name}: no weights at {path.relative_to(ROOT)}")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != card["sha256"]:
            found.append(f"{name}: the weights are not those of its card")
        if card["data"]["is_sample"]:
            found.append(f"{name}: trained on a sample, not on the full set")
    return found


def unmeasured(cards: list[dict]) -> list[str]:
    """What a shipped model's card still lacks, for the page to say."""
    return [
        f"the {measure.label} of `{card['name']}`"
        for card in cards
        for measure in zoo.recipe(card["name"]).measures
        if measure.key not in card["metrics"]
    ]


def recompute(names: list[str], keys: list[str], update: bool) -> list[str]:
    """Measure again; put it on the card, or report what lies outside."""
    found = []
    for name in names:
        card, entry, model = zoo.card(name), zoo.recipe(name), zoo.load(name)
        for measure in entry.measures:
            if keys and measure.key not in keys:
                continue
            known = card["metrics"].get(measure.key)
            if update:
                record = measure.record(model, entry.source)
                record["seeds"] = (known or {}).get("seeds", {})
                card["metrics"][measure.key] = record
            else:
                record = measure.run(model, entry.source)
            print(f"{name} {measure.key} {record['value']:.4f}", flush=True)
            if update:
                continue
            if known is None:
                found.append(f"{name}: {measure.key} is not on its card")
            else:
                found += [f"{name}: {text}" for text in differences(record, known)]
        if update:
            write(card)
    return found


def differences(record: dict, known: dict) -> list[str]:
    """What of a measure is not as on the card: its value, and what was measured beside.

    The tolerance is that of the value; for the others, the same share of their size.
    """
    found, share = [], known["tolerance"] / max(abs(known["value"]), 1e-9)
    for key, due in known.items():
        got = record.get(key)
        if type(due) is not float or key in ("std_error", "cpu_seconds", "tolerance"):
            continue
        off = known["tolerance"] if key == "value" else share * abs(due)
        if got is None or abs(got - due) > off:
            name = known["label"] if key == "value" else f"{known['label']}, {key}"
            found.append(f"{name} is {got}, the card says {due:.4f} ± {off:.2g}")
    return found


def adopt(names: list[str], folder: Path) -> None:
    """Weights and card of a new training to their places, and measured."""
    for name in names:
        card = zoo.card(name, folder)
        blob = (folder / f"{name}.safetensors").read_bytes()
        _files.write(weights_of(card), blob)
        weights_of(card | {"ships": not card["ships"]}).unlink(missing_ok=True)
        write(card)
    recompute(names, [], update=True)


def weights_of(card: dict) -> Path:
    return (CARDS if card["ships"] else REST) / f"{card['name']}.safetensors"


def write(card: dict) -> None:
    _files.write_json(CARDS / f"{card['name']}.json", card)


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
        for measure in entry.measures:
            value = measure.run(model, entry.source)["value"]
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
    parser.add_argument("--adopt", type=Path, help="a folder of `zoo train`")
    parser.add_argument("--seeds", nargs="+", type=int, default=[], help="others")
    parser.add_argument("--keys", nargs="+", default=[], help="measures (all)")
    args = parser.parse_args()
    found: list[str] = []
    if args.adopt and not args.names:
        parser.error("name the entries to adopt")
    if args.recompute or args.seeds or args.adopt:
        # A value of the embedded sample is no value of the results page.
        os.environ["GMCOURSE_STRICT"] = "1"
    if args.adopt:
        adopt(args.names, args.adopt)
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
