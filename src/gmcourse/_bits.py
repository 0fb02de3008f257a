"""Matrices of weights in fewer bits than the 16 of half precision.

A row (the weights of one output) is kept as its largest magnitude, in half precision,
and as whole numbers of ``bits`` bits that count the steps of an even grid between
minus that and plus that. What is no matrix stays in half precision. Trained weights
bear this in general: 8 bits where an error of half a percent is nothing, 12 where 8
are seen in the measures.
"""

import torch
from torch import Tensor

BITS = (16, 12, 8)
REACH, LOW = ".reach", ".low"  # beside a matrix of 8 bits: largest magnitudes; 4 more


def pack(key: str, matrix: Tensor, bits: int) -> dict[str, Tensor]:
    """The tensors of the file that stand for one matrix.

    Raises:
        ValueError: ``bits`` is not one of ``BITS``, or a weight is not finite in half
            precision.
    """
    if bits not in BITS:
        raise ValueError(f"bits are {bits}; expected one of {BITS}")
    if bits == 16:
        return {key: matrix.half()}
    reach = matrix.flatten(1).abs().amax(1).half()
    if not reach.isfinite().all():
        raise ValueError(f"{key} has weights that are not finite in half precision")
    top = 2 ** (bits - 1) - 1
    steps = torch.nan_to_num(_rows(1 / reach.float(), matrix) * matrix * top, 0, 0, 0)
    whole = steps.round().clamp(-top, top).short()
    if bits == 8:
        return {key: whole.to(torch.int8), key + REACH: reach}
    low = (whole & 15).to(torch.uint8).flatten()
    low = torch.cat([low, low.new_zeros(len(low) % 2)])
    low = low[::2] | low[1::2] << 4
    return {key: (whole >> 4).to(torch.int8), key + REACH: reach, key + LOW: low}


def unpack(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the model, from those of the file."""
    tensors = dict(tensors)
    for key in [k.removesuffix(REACH) for k in tensors if k.endswith(REACH)]:
        reach, whole = tensors.pop(key + REACH), tensors[key].short()
        bits, low = 8, tensors.pop(key + LOW, None)
        if low is not None:
            pairs = torch.stack([low & 15, low >> 4], 1).flatten()[: whole.numel()]
            bits, whole = 12, (whole << 4) | pairs.view(whole.shape)
        step = reach.float() / (2 ** (bits - 1) - 1)
        tensors[key] = _rows(step, whole) * whole
    return tensors


def _rows(values: Tensor, matrix: Tensor) -> Tensor:
    return values.view(-1, *[1] * (matrix.ndim - 1))
