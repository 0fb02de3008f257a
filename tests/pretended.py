"""A second device where there is none: tensors on it live on the CPU and are marked.

Chapters run on a GPU as they do on a CPU only if each tensor is where the others are.
This finds out without one: what is moved to ``DEVICE`` is marked, what is computed from
it inherits the mark, and an operation that mixes both raises as it would on a GPU. It
has no numbers in double precision, as Apple's GPUs have none.

    with pretended_device():
        model.to(DEVICE)(x)    # RuntimeError: x is not there
"""

import contextlib
from unittest import mock

import torch
from torch import Tensor, nn
from torch._C import _functorch as functorch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import gmcourse
from gmcourse import settings, zoo

# A kind that torch knows by name, and that none of our code treats in its own way.
DEVICE = torch.device("xpu", 0)
# The result is where the first argument is.
_TO_FIRST = ("copy_", "index", "index_put", "index_put_", "_index_put_impl_")
# Torch itself gives them zeros: for an output of `unbind` that nothing used, in its
# gradient; for weights that stay, in forward mode.
_ZEROS = ("stack", "mm", "bmm")
# These make tensors inside, on the device that they take the first argument to be on.
_INSIDE = (F.one_hot,)


class _Marks:
    """Which storages are on the pretended device.

    A weak reference keeps a few bytes of a storage that is gone. They lie where its
    numbers lay, and the next ones as large no longer fit in there: so such references
    are dropped before the storages marked since take up much memory.
    """

    def __init__(self):
        self.known: dict[int, StorageWeakRef] = {}
        self.most, self.bytes = 1000, 0

    def has(self, x: Tensor) -> bool:
        reference = self.known.get(_storage(x)._cdata)
        return reference is not None and not reference.expired()

    def add(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float64:
            raise TypeError(f"{DEVICE} has no float64: move to the CPU for it")
        storage = _storage(x)
        if storage._cdata not in self.known:
            self.known[storage._cdata] = StorageWeakRef(storage)
            self.bytes += storage.nbytes()
            if len(self.known) > self.most or self.bytes > 2**28:
                self.drop()
        return x

    def drop(self):
        self.known = {k: each for k, each in self.known.items() if not each.expired()}
        self.most, self.bytes = 1000 + 2 * len(self.known), 0


def _storage(x: Tensor) -> torch.UntypedStorage:
    """Where its numbers lie, also of one that jacrev or jvp has wrapped."""
    while functorch.is_functorch_wrapped_tensor(x):
        x = functorch.get_unwrapped(x)
    return x.untyped_storage()


def _tensors(values) -> list[Tensor]:
    """The tensors among them, and in the lists and tuples among them."""
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [each for each in value if isinstance(each, Tensor)]
    return found


class _Operations(TorchDispatchMode):
    """Each operation: no mixture of devices, and results are where the inputs are."""

    def __init__(self, marks: _Marks):
        super().__init__()
        self.marks = marks

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.overloadpacket.__name__
        inputs = _tensors((*args, *kwargs.values()))
        there = [self.marks.has(x) for x in inputs]
        # Shapes without numbers, by which forward-mode derivatives find out a size.
        shapes = any(x.device.type == "meta" for x in inputs)
        if shapes or not any(there):
            return func(*args, **kwargs)
        target = there[0] if name in _TO_FIRST else True
        if name != "copy_":
            # A GPU takes single numbers, and index tensors, from the CPU as well.
            stray = [
                x
                for x, on in zip(inputs, there)
                if on != target
                and x.ndim
                and not (target and name in _TO_FIRST)
                and not (name in _ZEROS and not x.any())
            ]
            if stray:
                raise RuntimeError(
                    f"{name}: expected all tensors on one device, but one of shape "
                    f"{tuple(stray[0].shape)} is elsewhere than the others"
                )
        out = func(*args, **kwargs)
        if target:
            for x in _tensors([out]):
                self.marks.add(x)
        return out


class _Functions(TorchFunctionMode):
    """What names a device: moves, factories, and the attribute itself."""

    def __init__(self, marks: _Marks):
        super().__init__()
        self.marks = marks

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func == Tensor.device.__get__:
            return DEVICE if self.marks.has(args[0]) else func(*args)
        if func is Tensor.to:
            return self.move(*args, **kwargs)
        if func is Tensor.cpu:
            return self.move(args[0], "cpu")
        if func in (Tensor.numpy, Tensor.__array__) and self.marks.has(args[0]):
            raise TypeError(f"can't convert {DEVICE} tensor to numpy: use .cpu() first")
        if func in _INSIDE and self.marks.has(args[0]):
            return self.marks.add(func(self.move(args[0], "cpu"), *args[1:], **kwargs))
        if "device" not in kwargs or kwargs["device"] is None:
            return func(*args, **kwargs)
        target = torch.device(kwargs.pop("device"))
        return self.move(func(*args, **kwargs, device="cpu"), target)

    def move(self, x: Tensor, *args, **kwargs) -> Tensor:
        """``x.to(...)`` in all its forms."""
        target = kwargs.pop("device", None)
        rest = []
        for a in args:
            if isinstance(a, Tensor):
                target = DEVICE if self.marks.has(a) else torch.device("cpu")
                rest.append(a.dtype)
            elif isinstance(a, str | torch.device):
                target = torch.device(a)
            elif not isinstance(a, bool) and a is not None:
                rest.append(a)
        out = x.to(*rest, **kwargs) if rest or kwargs else x
        there = self.marks.has(x)
        if target is not None and (torch.device(target).type == DEVICE.type) != there:
            if there:
                with _off(self.marks, out):
                    return out.clone()
            return self.marks.add(out.clone())
        return out


_module_to = nn.Module.to


def _to(module: nn.Module, *args, **kwargs) -> nn.Module:
    """``module.to(x)`` reads where ``x`` is from inside, past the marks."""
    if args and isinstance(args[0], Tensor):
        args = (args[0].device, args[0].dtype, *args[1:])
    return _module_to(module, *args, **kwargs)


@contextlib.contextmanager
def _off(marks: _Marks, x: Tensor):
    """Inside the block ``x`` is not marked, and so its copy is not."""
    key = x.untyped_storage()._cdata
    kept = marks.known.pop(key, None)
    try:
        yield
    finally:
        if kept is not None:
            marks.known[key] = kept


@contextlib.contextmanager
def pretended_device():
    """Inside the block ``gmcourse.default_device()`` is ``DEVICE``, marked memory."""
    marks = _Marks()
    with contextlib.ExitStack() as stack:
        for module in (gmcourse, settings, zoo):
            patch = mock.patch.object(module, "default_device", lambda: DEVICE)
            stack.enter_context(patch)
        stack.enter_context(mock.patch.object(nn.Module, "to", _to))
        stack.enter_context(_Operations(marks))
        stack.enter_context(_Functions(marks))
        yield
