"""A checkerboard, learned in 30 CPU seconds by four libraries with one recipe.

    python benchmarks/flows_race.py             three seeds
    python benchmarks/flows_race.py --seeds 1   fewer

A spline flow of four couplings, see `flows`; the same optimizer, rate and batches for
all, and what differs is how many updates there is time for, and how a net begins. The
entropy of the checkerboard, 3.4657 nats, is what no model can go below. The peers'
environment is that of benchmarks/run.py.
"""

import argparse
import statistics
import time

import flows
import run
import torch
from torch import Tensor

from gmcourse import seeded
from gmcourse.data import densities

SECONDS, BATCH, RATE, HELD_OUT = 30.0, 512, 5e-3, 100_000


def raced(who: str, seed: int, held_out: Tensor) -> tuple[float, int]:
    """Nats of held-out points, and the number of updates."""
    board = densities.checkerboard()
    with seeded(seed):
        flow, points = flows.made(who, flows.KINDS[0], 2), board.sample(500_000)
        adam = torch.optim.Adam(flow.parameters(), RATE, fused=True)
        start, steps, gone = time.process_time(), 0, 0.0
        while gone < 1:
            for group in adam.param_groups:
                group["lr"] = RATE * (1 - gone)
            x = points[torch.randint(len(points), (BATCH,))]
            adam.zero_grad()
            (-flow.log_prob(x).mean()).backward()
            adam.step()
            steps, gone = steps + 1, (time.process_time() - start) / SECONDS
    with torch.no_grad():
        parts = [flow.log_prob(part) for part in held_out.split(10_000)]
    return -float(torch.cat(parts).mean()), steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    board = densities.checkerboard()
    with seeded(10**6):
        held_out = board.sample(HELD_OUT)
    found: dict[str, list[float]] = {}
    for seed in range(args.seeds):  # in turn: what slows the machine meets all
        for who in ("gmcourse", *flows.PEERS):
            nats, steps = raced(who, seed, held_out)
            found.setdefault(who, []).append(nats)
            print(f"{who}, seed {seed}: {nats:.4f} nats, {steps} updates", flush=True)
    print(f"entropy {board.entropy:.4f}")
    for who, values in found.items():
        low, high = min(values), max(values)
        print(f"{who:10} {statistics.mean(values):.4f} ({low:.4f} to {high:.4f})")


if __name__ == "__main__":
    run.enter(__file__)
    main()
