"""Sampling from a GPT and a PixelCNN, and their training steps, beside their peers'.

nanoGPT, the PixelCNN of the UvA deep learning course and that of pytorch-generative are
code to be copied, not packages that an installer finds. So what they do is told here in
our words: the same networks, updates and ways of sampling. None of them keeps anything
from one token or pixel to the next.

https://github.com/karpathy/nanoGPT, https://uvadlc-notebooks.readthedocs.io (tutorial
12) and https://github.com/EugenHotaj/pytorch-generative.
"""

from collections.abc import Callable

import torch
from gan_steps import forever
from torch import Tensor, nn
from torch.nn import functional as F

from gmcourse import train
from gmcourse.likelihoods import Categorical
from gmcourse.pixels import PixelCNN
from gmcourse.sequences import GPT

Step = Callable[[], object]
LEVELS, WIDTH, DEPTH, HEADS = 65, 128, 4, 4  # nanoGPT's, for letters on a CPU
SIDE, SHADES, CHANNELS, LAYERS = 28, 256, 64, 7  # the course's PixelCNN
RATE, DECAY, BETAS = 1e-3, 0.1, (0.9, 0.99)


def gpt(length: int) -> GPT:
    return GPT((length,), LEVELS, width=WIDTH, depth=DEPTH, heads=HEADS)


def pixelcnn() -> PixelCNN:
    """With as many weights in a layer as the course's, those behind its masks apart."""
    how = {"width": CHANNELS, "depth": LAYERS, "reach": 1, "head": CHANNELS}
    return PixelCNN((1, SIDE, SIDE), Categorical(SHADES), **how)


def drawn(logits: Tensor) -> Tensor:
    """One of the levels for each example, ``(n, levels)`` to ``(n, 1)``."""
    return torch.multinomial(logits.softmax(-1), 1)


@torch.no_grad()
def without_cache(model: GPT, n: int, block: int) -> Tensor:
    """As nanoGPT samples: the last ``block`` tokens pass through for each new one."""
    tokens = torch.empty(n, 0, dtype=torch.int64)
    for _ in range(block):
        seen = tokens[:, -block:]
        h = torch.cat([model.begin(seen, None), model.token(seen)], 1)
        h = model.net(h + model.position.weight[: h.shape[1]])
        tokens = torch.cat([tokens, drawn(model.head(h[:, -1]))], 1)
    return tokens


@torch.no_grad()
def pass_for_each_pixel(
    logits: Callable[[Tensor], Tensor], n: int, *, rows: bool
) -> Tensor:
    """Of the whole image, as pytorch-generative does it, or of the ``rows`` so far.

    The course does the second.
    """
    x = torch.zeros(n, 1, SIDE, SIDE)
    for i in range(SIDE):
        for j in range(SIDE):
            seen = x[:, :, : i + 1] if rows else x
            level = drawn(logits(seen)[:, :, i, j])
            x[:, :, i, j] = level / (SHADES - 1)
    return x


class Part(nn.Module):
    """A block of nanoGPT's, none of whose layers has a bias."""

    def __init__(self):
        super().__init__()
        self.first = nn.LayerNorm(WIDTH, bias=False)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.second = nn.LayerNorm(WIDTH, bias=False)
        self.wide = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(self.first(x)).split(WIDTH, 2)
        heads = (y.unflatten(2, (HEADS, -1)).transpose(1, 2) for y in parts)
        y = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view_as(x))
        return x + self.narrow(F.gelu(self.wide(self.second(x))))


class NanoGPT(nn.Module):
    """GPT-2 in small; the table of tokens is also the last layer."""

    def __init__(self, length: int):
        super().__init__()
        self.tokens, self.places = (nn.Embedding(k, WIDTH) for k in (LEVELS, length))
        self.blocks = nn.Sequential(*(Part() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        self.head = nn.Linear(WIDTH, LEVELS, bias=False)
        self.head.weight = self.tokens.weight
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.normal_(weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        h = self.tokens(x) + self.places(torch.arange(x.shape[1]))
        return self.head(self.norm(self.blocks(h)))


def gpt_steps(batch: int, length: int) -> tuple[Step, dict[str, Step]]:
    """Ours, and the peers'; AdamW, gradients clipped at norm 1, nothing dropped out."""
    from transformers import GPT2LMHeadModel

    text = torch.randint(LEVELS, (batch, length + 1))
    x, y = text[:, :-1].contiguous(), text[:, 1:].contiguous()

    def adamw(net: nn.Module, **how) -> torch.optim.Optimizer:
        """Matrices alone decay."""
        parts = [p for p in net.parameters() if p.dim() > 1]
        others = [p for p in net.parameters() if p.dim() < 2]
        groups = [{"params": parts}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, RATE, BETAS, weight_decay=DECAY, **how)

    def step_of(net: nn.Module, loss: Step) -> Step:
        optimizer = adamw(net)

        def step():
            value = loss()
            value.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            return value.item()

        return step

    model, small = gpt(length), NanoGPT(length)
    steps = train(model, forever(x), adamw(model, fused=True), steps=10**9, clip=1.0)
    large = GPT2LMHeadModel(gpt2(length)).train()
    nano = step_of(small, lambda: F.cross_entropy(small(x).flatten(0, 1), y.flatten()))
    hugging = step_of(large, lambda: large(x, labels=x).loss)
    return lambda: next(steps), {"nanoGPT's step": nano, "transformers' GPT-2": hugging}


def gpt2(length: int):
    """The configuration of transformers' GPT-2 of the same size."""
    from transformers import GPT2Config

    return GPT2Config(
        vocab_size=LEVELS,
        n_positions=length,
        n_embd=WIDTH,
        n_layer=DEPTH,
        n_head=HEADS,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=None,
    )


def gpt2_samples(n: int, length: int, cached: bool) -> Step:
    """transformers' own loop, from one first token, at temperature 1."""
    from transformers import GPT2LMHeadModel

    net, first = GPT2LMHeadModel(gpt2(length)).eval(), torch.zeros(n, 1).long()
    how = {"do_sample": True, "top_k": 0, "pad_token_id": 0, "use_cache": cached}
    return lambda: net.generate(first, max_new_tokens=length - 1, **how)


class Masked(nn.Conv2d):
    """The course's: a whole kernel, multiplied by its mask at each pass."""

    def __init__(
        self, into: int, out: int, kernel: tuple[int, int], last: int, dilation: int = 1
    ):
        padding = tuple(dilation * (k - 1) // 2 for k in kernel)
        super().__init__(into, out, kernel, padding=padding, dilation=dilation)
        mask = torch.zeros(kernel[0] * kernel[1])
        mask[:last] = 1
        self.register_buffer("mask", mask.view(1, 1, *kernel))

    def forward(self, x: Tensor) -> Tensor:
        self.weight.data *= self.mask
        return super().forward(x)


def gated(both: Tensor) -> Tensor:
    value, gate = both.chunk(2, 1)
    return value.tanh() * gate.sigmoid()


class CourseLayer(nn.Module):
    def __init__(self, dilation: int):
        super().__init__()
        self.down = Masked(CHANNELS, 2 * CHANNELS, (3, 3), 6, dilation)
        self.right = Masked(CHANNELS, 2 * CHANNELS, (1, 3), 2, dilation)
        self.link = nn.Conv2d(2 * CHANNELS, 2 * CHANNELS, 1)
        self.out = nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(self, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        both = self.down(v)
        return gated(both), h + self.out(gated(self.right(h) + self.link(both)))


class Course(nn.Module):
    """The PixelCNN of the course: two stacks, seven gated layers, three dilations."""

    def __init__(self):
        super().__init__()
        self.down = Masked(1, CHANNELS, (3, 3), 3)
        self.right = Masked(1, CHANNELS, (1, 3), 1)
        self.layers = nn.ModuleList(CourseLayer(d) for d in (1, 2, 1, 4, 1, 2, 1))
        self.head = nn.Conv2d(CHANNELS, SHADES, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = 2 * x - 1
        v, h = self.down(x), self.right(x)
        for layer in self.layers:
            v, h = layer(v, h)
        return self.head(F.elu(h))


class GenerativeLayer(nn.Module):
    """A layer of pytorch-generative's: a 1×n and an m×1 kernel for an m×n one."""

    def __init__(self, into: int, kernel: int, first: bool):
        super().__init__()
        n, half, two = CHANNELS, kernel // 2, 2 * CHANNELS
        self.first = first
        self.wide = nn.Conv2d(into, two, (1, kernel), padding=(0, half))
        self.tall = nn.Conv2d(two, two, (half + 1, 1), padding=(half + 1, 0))
        self.link = nn.Conv2d(two, two, 1)
        reach = half + first  # the first layer does not see the pixel itself
        self.left = nn.Conv2d(into, two, (1, half + (not first)), padding=(0, reach))
        self.out, self.skip = nn.Conv2d(n, n, 1), nn.Conv2d(n, n, 1)

    def forward(self, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        _, _, height, width = v.shape
        down = self.tall(self.wide(v))[:, :, :height]
        right = gated(self.left(h)[..., :width] + self.link(down))
        out = self.out(right)
        return gated(down), out if self.first else h + out, self.skip(right)


class Generative(nn.Module):
    """Its gated PixelCNN, as deep and as wide as the others here."""

    def __init__(self):
        super().__init__()
        sizes = [(1, 7, True)] + [(CHANNELS, 3, False)] * LAYERS
        self.layers = nn.ModuleList(GenerativeLayer(*size) for size in sizes)
        first, last = nn.Conv2d(CHANNELS, CHANNELS, 1), nn.Conv2d(CHANNELS, SHADES, 1)
        self.head = nn.Sequential(nn.ReLU(), first, nn.ReLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        v, h, skips = x, x, 0
        for layer in self.layers:
            v, h, skip = layer(v, h)
            skips = skips + skip
        return self.head(skips)


def pixel_steps(batch: int) -> tuple[Step, dict[str, Step]]:
    """Ours, and the peers': Adam, cross-entropy of 256 shades."""
    levels = torch.randint(SHADES, (batch, 1, SIDE, SIDE))
    x = levels / (SHADES - 1)
    model = pixelcnn()
    adam = torch.optim.Adam(model.parameters(), RATE, fused=True)
    steps = train(model, forever(x), adam, steps=10**9)

    def step_of(net: nn.Module) -> Step:
        optimizer = torch.optim.Adam(net.parameters(), RATE)

        def step():
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), levels[:, 0])
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    theirs = {"the UvA course's": step_of(Course())}
    return lambda: next(steps), theirs | {"pytorch-generative's": step_of(Generative())}
