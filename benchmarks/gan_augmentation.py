"""Do made images help a classifier? Pixelfaces, few real labels, five seeds.

    python benchmarks/gan_augmentation.py     add the runs that are missing

A classifier of the accessories (8 classes) learns from n real faces, and from these
with M more: made by a conditional GAN that was trained on the same n faces and nothing
else; made by the zoo's GAN, which has seen the whole training set; or real. Beside them
the n faces shifted by up to one pixel and mirrored at random. All classifiers make as
many steps on batches of one size; what differs is where the images come from. A seed
chooses the n faces, the first weights and everything after.
"""

import argparse
from typing import Any

import experiments
import torch
from torch import Tensor
from torch.nn import functional as F

import gmcourse as gm
from gmcourse import train, warmup_cosine, zoo
from gmcourse.classifiers import FeatureClassifier
from gmcourse.data import Batches
from gmcourse.state import EMA
from gmcourse.zoo.sources import FACES

SOURCE = FACES.labeled()
FEW, MORE, CLASSES = (200, 1000), 1000, 8
GAN_STEPS, STEPS, BATCH = 500, 300, 64
GAN_OF_FEW = f"and {MORE} made, GAN of these n"
GAN_OF_ALL = f"and {MORE} made, GAN of all"
REAL, MOVED = f"and {MORE} real", "shifted and mirrored"
WORDS = ("", GAN_OF_FEW, GAN_OF_ALL, REAL, MOVED)


def gan_of(x: Tensor, c: Tensor, seed: int) -> Any:
    """The zoo's conditional GAN, trained on these images alone; its average."""
    entry = zoo.recipe("cgan-pixelfaces")
    model, stream = entry.model(), Batches(x, c, batch_size=BATCH, seed=seed)
    ema, fall = EMA(model, 0.995), warmup_cosine(GAN_STEPS, GAN_STEPS // 10)
    adam, how = entry.optimizer(model), {"autocast": entry.autocast}
    for _ in train(model, stream, adam, steps=GAN_STEPS, ema=ema, schedule=fall, **how):
        pass
    return ema.model


def moved(x: Tensor) -> Tensor:
    """Each image mirrored or not, and shifted by -1, 0 or 1 pixels both ways."""
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    side, rows = torch.randint(0, 3, (2, len(x), 1)), torch.arange(x.shape[2])
    at = torch.arange(len(x))[:, None, None]
    seen = padded[at, :, (side[0] + rows)[:, :, None], (side[1] + rows)[:, None, :]]
    return seen.permute(0, 3, 1, 2)


def accuracy_after(x: Tensor, c: Tensor, seed: int, transform: Any = None) -> float:
    """Share of test faces that a classifier of these images names rightly, in %."""
    net = FeatureClassifier(FACES.shape, (CLASSES,), width=8)
    adam = torch.optim.Adam(net.parameters(), 2e-3, fused=True)
    how: Any = {"batch_size": BATCH, "transform": transform, "seed": seed}
    fall = warmup_cosine(STEPS, STEPS // 10)
    for _ in train(net, Batches(x, c, **how), adam, steps=STEPS, schedule=fall):
        pass
    x_test, c_test = SOURCE.part("test").first(None)
    return 100 * agreement(net, x_test, c_test)


@torch.no_grad()
def agreement(net: FeatureClassifier, x: Tensor, c: Tensor) -> float:
    net.eval()
    told = torch.cat([net(part)[0].argmax(1) for part in x.split(500)])
    return (told == c).double().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    x_all, c_all = SOURCE.part("train").first(None)
    judge, of_all = experiments.Judge(), zoo.load("cgan-pixelfaces")

    def measure(case: str, seed: int) -> dict[str, float]:
        order = torch.randperm(len(x_all))  # the first draw: the same in all cases
        n, word = int(case.split()[0]), case.partition(", ")[2]
        x, c = x_all[order[:n]], c_all[order[:n]]
        found = {}
        if word in (GAN_OF_FEW, GAN_OF_ALL):
            model = of_all if word == GAN_OF_ALL else gan_of(x, c, seed)
            told = c[torch.randint(0, n, (MORE,))]
            made = model.sample(MORE, told)
            found["label right, % (judge)"] = 100 * agreement(judge.net, made, told)
            found["frechet"] = judge(made)["frechet"]
            x, c = torch.cat([x, made]), torch.cat([c, told])
        elif word == REAL:
            x, c = x_all[order[: n + MORE]], c_all[order[: n + MORE]]
        transform = moved if word == MOVED else None
        with gm.seeded(1000 + seed):  # the same first weights in all cases
            return {"accuracy": accuracy_after(x, c, seed, transform)} | found

    about = {
        "title": "Does a classifier of few real faces gain by made ones?",
        "data": FACES.title,
        "features": judge.name,
        "settings": {"more": MORE, "classifier_steps": STEPS, "batch_size": BATCH}
        | {"gan_steps": GAN_STEPS, "test_examples": len(SOURCE.part("test"))},
        "gan_of_all": "cgan-pixelfaces",
        "machine": experiments.machine(),
    }
    for n in FEW:
        cases = [f"{n} real{word and ', ' + word}" for word in WORDS]
        record = experiments.run("gan-augmentation", about, cases, args.seeds, measure)
        print(experiments.summary(record, ["accuracy"]))


if __name__ == "__main__":
    main()
