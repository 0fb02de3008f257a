"""What each of two processes does, for test_distributed.py; started by torchrun."""

import sys

import torch
from models import point_diffusion
from torch import distributed

from gmcourse import EMA, save, seeded, train
from gmcourse.distributed import Replicated

PARTS = [(10, slice(0, 4)), (11, slice(4, 8))]  # the seed and the rows of each


def batch():
    with seeded(5):
        return torch.randn(8, 2)


def gradients(model):
    return [p.grad.clone() for p in model.parameters()]


def main(folder: str) -> None:
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    with seeded(rank):  # other weights: the engine gives all those of the first
        model = point_diffusion()
    first, (seed, rows) = [p.clone() for p in model.parameters()], PARTS[rank]
    both = Replicated(model)
    start = [p.clone() for p in model.parameters()]
    with seeded(seed):
        loss = both.loss(batch()[rows])
    loss.backward()
    found = {"first": first, "start": start, "gradients": gradients(model)}
    both.zero_grad()
    adam, ema = torch.optim.Adam(both.parameters(), 1e-2), EMA(model, 0.5)
    with seeded(seed):
        for _ in train(both, [batch()[rows]] * 3, adam, steps=3, ema=ema):
            pass
    found["trained"] = [p.detach() for p in model.parameters()]
    found["average"] = [p.detach() for p in ema.model.parameters()]
    torch.save(found, f"{folder}/{rank}.pt")
    if rank == 0:
        save(ema.model, f"{folder}/average.safetensors")
    distributed.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1])
