"""Versions of exercise ar-17."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Ar17:
    r"""
    The steps grow with the sample: the first level above 0 stands for 0.00009, the last
    two for 0.957 and 1, so that an error is about 2 percent of the sample wherever it
    is loud, and never more than 0.0001 where it is quiet. As many even steps would have
    the width 0.0078 everywhere, and quiet speech would consist of two or three of them.

    The levels are at both ends and there are 255 steps between them, which is why
    silence falls between two codes. With 256 bins of equal width in $y$, and their
    centers as levels, 1 would never be reached.
    """

    @reference
    @build
    def functions():
        def encode(x):
            x = x.clamp(-1, 1)
            y = x.sign() * torch.log1p(255 * x.abs()) / math.log(256)
            return ((y + 1) / 2 * 255 + 0.5).floor().long()

        def decode(codes):
            y = 2 * codes.float() / 255 - 1
            return y.sign() * (256 ** y.abs() - 1) / 255

        return encode, decode

    @right
    @build
    def by_a_table():
        y = torch.linspace(-1, 1, 256, dtype=torch.float64)
        x = y.sign() * ((y.abs() * math.log(256)).exp() - 1) / 255
        z = (y[1:] + y[:-1]) / 2
        borders = z.sign() * ((z.abs() * math.log(256)).exp() - 1) / 255
        borders[127] = 0.0

        def encode(x):
            return torch.bucketize(x.double(), borders, right=True)

        def decode(codes):
            return x[codes.long()].float()

        return encode, decode

    @right
    @build
    def one_by_one():
        def code(v):
            v = min(max(v, -1.0), 1.0)
            y = math.copysign(math.log2(1 + 255 * abs(v)) / 8, v)
            return 128 if v == 0 else round(127.5 + 127.5 * y)

        def sample(c):
            y = (2 * c - 255) / 255
            return math.copysign((2 ** (8 * abs(y)) - 1) / 255, y)

        def encode(x):
            found = [code(v) for v in x.flatten().tolist()]
            return torch.tensor(found, dtype=torch.long).view(x.shape)

        def decode(codes):
            found = [sample(c) for c in codes.flatten().tolist()]
            return torch.tensor(found, dtype=torch.float32).view(codes.shape)

        return encode, decode

    @right
    @build
    def nearest_level():
        def encode(x):
            x = x.double().clip(-1, 1)
            y = torch.where(x < 0, -1.0, 1.0) * torch.log(1 + 255 * x.abs())
            y = y / math.log(256)
            levels = torch.arange(256).double() * 2 / 255 - 1
            best = (y[..., None] - levels).abs().argmin(-1)
            return torch.where(x == 0, 128, best)

        def decode(codes):
            y = codes.double() / 127.5 - 1
            size = torch.special.expm1(y.abs() * math.log(256)) / 255
            return torch.copysign(size, y).to(torch.float32)

        return encode, decode

    @right
    @build
    def halves():
        def encode(x):
            size = torch.log1p(255 * x.abs().clamp(max=1)) / math.log(256)
            steps = (127.5 * size + 0.5).floor().clamp(min=0.0)
            up = (127.5 + 127.5 * size).round()
            down = (127.5 - 127.5 * size).round()
            return torch.where(x >= 0, up, down).to(torch.int64) + 0 * steps.long()

        def decode(codes):
            c = codes.to(torch.int32)
            y = (2 * c - 255).float() / 255
            size = (torch.exp2(8 * y.abs()) - 1) / 255
            return torch.where(c < 128, -size, size)

        return encode, decode

    edited = edits(
        functions,
        """
    sign lost | y = x.sign() * -> y =
    sign lost | return y.sign() * ( -> return (
    sign turned around | y = x.sign() * -> y = -x.sign() *
    sign turned around | return y.sign() * ( -> return -y.sign() * (
    no logarithm | x.sign() * torch.log1p(255 * x.abs()) / math.log(256) -> x
    divided by another logarithm | math.log(256) -> math.log(255)
    uint8 index taken for a mask | y = 2 * codes.float() / 255 - 1
        -> y = (2 * torch.arange(256.0) / 255 - 1)[codes]
    sign not mirrored | y.sign() * (256 ** y.abs() - 1) -> (256 ** y - 1)
    float16 in between | return y.sign() * (256 ** y.abs() - 1) / 255
        -> return (y.sign() * (256 ** y.abs() - 1) / 255).half().float()
    middle of the step | return y.sign() * (256 ** y.abs() - 1) / 255
        -> return sum(v.sign() * (256 ** v.abs() - 1) / 510 for v in
           ((y - 1 / 255).clamp(-1, 1), (y + 1 / 255).clamp(-1, 1)))
    another mu | 255 * x.abs()) -> 256 * x.abs())
    another mu | 255 * x.abs()) / math.log(256) -> 256 * x.abs()) / math.log(257)
    another mu | (256 ** y.abs() - 1) / 255 -> (256 ** y.abs() - 1) / 256
    another mu | (256 ** y.abs() - 1) / 255 -> (255 ** y.abs() - 1) / 255
    another base of the logarithm | torch.log1p(255 * x.abs())
        -> torch.log10(1 + 255 * x.abs())
    another base of the logarithm | torch.log1p(255 * x.abs())
        -> torch.log2(1 + 255 * x.abs())
    another base of the logarithm | math.log(256) -> 8
    another base of the logarithm | / math.log(256) ->
    another base of the logarithm | 256 ** y.abs() -> math.e ** y.abs()
    rounded down | * 255 + 0.5).floor() -> * 255).floor()
    rounded down | ((y + 1) / 2 * 255 + 0.5).floor().long()
        -> ((y + 1) / 2 * 255).long()
    rounded up | * 255 + 0.5).floor() -> * 255).ceil()
    rounded toward 0 | ((y + 1) / 2 * 255 + 0.5).floor() -> ((y * 127.5).trunc() + 128)
    256 steps in place of 255 | ((y + 1) / 2 * 255 + 0.5).floor()
        -> ((y + 1) / 2 * 256).floor().clamp(max=255)
    256 steps in place of 255 | ((y + 1) / 2 * 255 + 0.5)
        -> ((y + 1) / 2 * 256).clamp(max=255)
    256 steps in place of 255 | 2 * codes.float() / 255
        -> 2 * (codes.float() + 0.5) / 256
    256 steps in place of 255 | 2 * codes.float() / 255 -> codes.float() / 128
    another number of levels | ((y + 1) / 2 * 255 + 0.5).floor()
        -> ((y * 127).round() + 128)
    another number of levels | / 2 * 255 + 0.5) -> / 2 * 254 + 0.5)
    codes from -128 to 127 | .floor().long() -> .floor().long() - 128
    codes from 1 to 256 | .floor().long() -> .floor().long() + 1
    rounded up | ((y + 1) / 2 * 255 + 0.5).floor() -> ((y * 127.5).round() + 128)
    rounded down | ((y + 1) / 2 * 255 + 0.5).floor() -> ((y * 127.5).round() + 127)
    no 1 in the logarithm | torch.log1p(255 * x.abs()) -> torch.log(255 * x.abs())
    expanded in place of compressed | torch.log1p(255 * x.abs()) / math.log(256)
        -> (256 ** x.abs() - 1) / 255
    scaled by its largest sample | x = x.clamp(-1, 1)
        -> x = x / (x.abs().max() if x.numel() else 1)
    levels from 0 to 1 | 2 * codes.float() / 255 - 1 -> codes.float() / 255
    levels from 0 to 1 | 2 * codes.float() / 255 - 1 -> 2 * codes.float() / 255
    not divided by 255 | (256 ** y.abs() - 1) / 255 -> (256 ** y.abs() - 1)
    beyond the ends | x = x.clamp(-1, 1) ->
    beyond the ends | x = x.clamp(-1, 1) -> | .floor().long() -> .floor().long() % 256
    beyond the ends | x.clamp(-1, 1) -> x.clamp(max=1)
    the code of silence | + 0.5).floor() -> + 0.5 - 1e-4).floor()
    the level before it | 2 * codes.float() / 255 -> 2 * (codes.float() - 1) / 255
    levels not expanded | y.sign() * (256 ** y.abs() - 1) / 255 -> y
    uint8 overflows | 2 * codes.float() / 255 -> 2 * codes / 255
    constant left out | (256 ** y.abs() - 1) -> 256 ** y.abs()
    wrong dtype | .floor().long() -> .floor()
    wrong dtype | .floor().long() -> .floor().to(torch.uint8)
    wrong dtype | .floor().long() -> .floor().int()
    wrong dtype | codes.float() -> codes.double()
    wrong shape | .floor().long() -> .floor().long().flatten()
    input changed in place | x.clamp(-1, 1) -> x.clamp_(-1, 1)
    """,
    )

    @wrong("middle of the step")
    @build
    def between_the_borders():
        encode, _ = Ar17.functions()

        def middle(codes):
            y = 2 * codes.double() / 255 - 1
            ends = [v.sign() * (256 ** v.abs() - 1) for v in (y - 1 / 255, y + 1 / 255)]
            return (sum(ends) / 510).float()

        return encode, middle

    @wrong("wrong shape")
    @build
    def with_an_axis_more():
        encode, decode = Ar17.functions()
        return lambda x: encode(x)[None], decode

    @wrong("beyond the ends")
    @build
    def in_eight_bits():
        _, decode = Ar17.functions()

        def encode(x):
            y = x.sign() * torch.log1p(255 * x.abs()) / math.log(256)
            return ((y + 1) / 2 * 255 + 0.5).floor().long().to(torch.uint8).long()

        return encode, decode
