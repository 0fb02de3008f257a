"""What a page holds besides text: images and numbers, as bytes in base64."""

import base64
import copy
import hashlib
import struct
import zlib
from typing import TypeVar

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def png(image: UInt8[Tensor, "c h w"]) -> bytes:
    """The image as a PNG file: gray (c = 1) or RGB (c = 3), lossless.

    Written out here so that a figure needs no plotting library (W3C, PNG
    specification, third edition, 2025). Other shapes and dtypes raise ValueError.

    >>> png(torch.zeros(1, 2, 2, dtype=torch.uint8))[:4]
    b'\\x89PNG'
    """
    if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(
            f"expected a uint8 image (1, h, w) or (3, h, w), "
            f"given {image.dtype} {tuple(image.shape)}"
        )
    c, h, w = image.shape
    rows = image.cpu().permute(1, 2, 0).reshape(h, w * c).numpy()
    raw = b"".join(b"\0" + row.tobytes() for row in rows)  # filter 0: none
    header = struct.pack(">IIBBBBB", w, h, 8, 0 if c == 1 else 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")
    out = b"\x89PNG\r\n\x1a\n"
    for tag, data in chunks:
        out += struct.pack(">I", len(data)) + tag + data
        out += struct.pack(">I", zlib.crc32(tag + data))
    return out


def half(values: Tensor) -> bytes:
    return values.detach().to("cpu", torch.float16).numpy().astype("<f2").tobytes()


def finite_half(what: str, values: Tensor) -> bytes:
    """Weights as `half` has them; ValueError where one is not finite there."""
    if not values.detach().to(torch.float16).isfinite().all():
        raise ValueError(
            f"{what} holds NaN, infinity or a number above 65,504, the largest in half "
            "precision; did training diverge?"
        )
    return half(values)


def rounded(model: M) -> M:
    """A copy on the CPU with the page's weights: half precision, in float32."""
    return copy.deepcopy(model).to("cpu", torch.float16).float()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def digest(written: str) -> str:
    return hashlib.sha256(written.encode()).hexdigest()[:12]
