"""What the experiments of a chapter share: their record, and the judge of faces.

A record lies in the package, so that a chapter can tabulate it without training:
`zoo.experiment(NAME)`. Every run is written as it ends, and a run that is there is not
made again: delete the file to measure anew.
"""

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import gmcourse as gm
from gmcourse import _files, metrics, zoo
from gmcourse.zoo.sources import FACES

ROOT = Path(__file__).parents[1]
HOME = ROOT / "src" / "gmcourse" / "zoo" / "experiments"


def run(
    name: str,
    about: dict[str, Any],
    cases: list[str],
    seeds: int,
    measure: Callable[[str, int], dict[str, float]],
) -> dict[str, Any]:
    """Every case under every seed; seed by seed, so that a half is a whole of fewer.

    Raises:
        SystemExit: the file holds runs of another protocol.
    """
    path = HOME / f"{name}.json"
    record = json.loads(path.read_text()) if path.exists() else about | {"runs": {}}
    known = {key: value for key, value in record.items() if key != "runs"}
    if known != json.loads(json.dumps(about)):
        raise SystemExit(f"{path} was made by another protocol: delete it first")
    for seed in range(seeds):
        for case in cases:
            done = record["runs"].setdefault(case, {})
            if str(seed) in done:
                continue
            start = time.process_time()
            with gm.seeded(seed):
                found = measure(case, seed)
            found["cpu_seconds"] = round(time.process_time() - start, 1)
            done[str(seed)] = found
            _files.write_json(path, record)
            words = ", ".join(f"{k} {v:.3g}" for k, v in found.items())
            print(f"{case}, seed {seed}: {words}", flush=True)
    return record


def machine() -> dict[str, Any]:
    """What a number of CPU seconds depends on."""
    return {
        "device": "CPU",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def summary(record: dict[str, Any], keys: list[str]) -> str:
    """A line for each case: mean ± standard deviation over its seeds."""
    lines = []
    for case, runs in record["runs"].items():
        cells = []
        for key in keys:
            v = torch.tensor([found[key] for found in runs.values()])
            spread = f" ± {v.std():.3f}" if len(v) > 1 else ""
            cells.append(f"{key} {v.mean():.3f}{spread}")
        lines.append(f"{case:42} {len(runs)} seeds  " + "  ".join(cells))
    return "\n".join(lines)


class Judge:
    """Distances of drawn faces from the training set, with the zoo's features."""

    def __init__(self) -> None:
        self.name = "classifier-pixelfaces"
        self.net = zoo.load(self.name)
        self.train = self.net.features_of(FACES.part("train").first(None)[0])

    def __call__(self, x: torch.Tensor) -> dict[str, float]:
        f = self.net.features_of(x)
        n = min(len(f), 2000)
        precision, recall = metrics.precision_recall(self.train[:n], f[:n])
        return {
            "frechet": metrics.frechet_distance(f, self.train),
            "kernel": metrics.kernel_distance(f[:n], self.train[:n]),
            "precision": precision,
            "recall": recall,
        }
