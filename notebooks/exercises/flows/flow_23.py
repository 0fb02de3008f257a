"""Versions of exercise flow-23."""

import math

from .. import build, cases, edits, reference, right, wrong

SHAMPINE = (
    (0, 1 / 2, 3 / 4, 1),
    ((), (1 / 2,), (0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
    (2 / 9, 1 / 3, 4 / 9, 0),
    (7 / 24, 1 / 4, 1 / 3, 1 / 8),
)
FEHLBERG = (
    (0, 1 / 4, 3 / 8, 12 / 13, 1, 1 / 2),
    (
        (),
        (1 / 4,),
        (3 / 32, 9 / 32),
        (1932 / 2197, -7200 / 2197, 7296 / 2197),
        (439 / 216, -8, 3680 / 513, -845 / 4104),
        (-8 / 27, 2, -3544 / 2565, 1859 / 4104, -11 / 40),
    ),
    (16 / 135, 0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55),
    (25 / 216, 0, 1408 / 2565, 2197 / 4104, -1 / 5, 0),
)


class Flow23:
    r"""
    Heun's solution is of order 2, and the error that is estimated is that of Euler's,
    of order $h^2$ in a step: so $h \propto \sqrt{\text{tolerance}}$, and a hundredth of
    the tolerance costs ten times the evaluations. With a pair of orders 4 and 5 it
    costs two and a half times as many.

    What is controlled is the error of a step, not that at the end: where errors grow
    along the way, as in a flow that spreads points, the end is worse than the
    tolerance, and where they fade, better. A stiff equation costs small steps by its
    stability alone: the estimate rises as soon as a step is longer than that allows.

    For a trained continuous flow the number of evaluations is what a sample costs, and
    it grows where training bends the field.
    """

    @reference
    def adaptive(f, x, start, end, tolerance):
        t, h, evaluations = start, end - start, 0
        while t != end:
            last = abs(h) >= abs(end - t)
            if last:
                h = end - t
            k1 = f(x, t)
            k2 = f(x + h * k1, t + h)
            evaluations += 2
            error = float((h / 2 * (k2 - k1)).abs().max())
            if error <= tolerance:
                x = x + h / 2 * (k1 + k2)
                t = end if last else t + h
            change = 10.0
            if not math.isfinite(error):
                change = 0.1
            elif error > 0:
                change = 0.9 * (tolerance / error) ** 0.5
            h = h * min(max(change, 0.1), 10.0)
        return x, evaluations

    def general(f, x, start, end, tolerance, pair, safety=0.9, low=0.05, high=5.0,
                first=0.01, again=False):  # fmt: skip
        """Any embedded pair; the last evaluation is used again where it may be."""
        times, rows, better, other = pair
        power = {2: 2, 4: 3, 6: 5}[len(times)]
        x, t, h, count, kept = x.clone(), start, first * (end - start), 0, None
        way = math.copysign(1.0, end - start)
        while way * (end - t) > 0:
            size = min(abs(h), abs(end - t))
            step, done = way * size, size == abs(end - t)
            ks = []
            for c, row in zip(times, rows):
                if not ks and kept is not None:
                    ks.append(kept)
                    continue
                at = x
                for share, k in zip(row, ks):
                    at = at + step * share * k
                ks.append(f(at, end if done and c == 1 else t + c * step))
                count += 1
            new = x + step * sum(b * k for b, k in zip(better, ks))
            gap = step * sum((b - o) * k for b, o, k in zip(better, other, ks))
            error = gap.abs().max().item()
            kept = ks[0]
            if error <= tolerance:
                x, t = new, end if done else t + step
                kept = ks[-1] if again else None
            if error != error or error == math.inf:
                h = size * low
            else:
                ratio = (tolerance / max(error, 1e-30)) ** (1 / power)
                h = size * min(high, max(low, safety * ratio))
        return x, count

    @right
    def bogacki_shampine(f, x, start, end, tolerance):
        return Flow23.general(f, x, start, end, tolerance, SHAMPINE, again=True)

    @right
    def fehlberg(f, x, start, end, tolerance):
        return [*Flow23.general(f, x, start, end, tolerance, FEHLBERG, 0.8, high=4.0)]

    @right
    def careful_heun(f, x, start, end, tolerance):
        heun = ((0, 1), ((), (1,)), (1 / 2, 1 / 2), (1, 0))
        how = {"safety": 0.7, "low": 0.2, "high": 2.0, "first": 1e-4}
        return Flow23.general(f, x, start, end, tolerance, heun, **how)

    edited = edits(
        adaptive,
        """
    evaluations miscounted | evaluations += 2 -> evaluations += 1
    evaluations miscounted | evaluations += 2 -> evaluations += 2 * (last or h > 0.01)
    evaluations miscounted | return x, evaluations -> return x, float(evaluations)
    no pair | return x, evaluations -> return x
    end missed or overshot | last = abs(h) >= abs(end - t) -> last = False
        | while t != end -> while t < end
    only forward in time | while t != end -> while t < end
    time not passed on | k1 = f(x, t) -> k1 = f(x, start)
        | k2 = f(x + h * k1, t + h) -> k2 = f(x + h * k1, start)
    errors above the tolerance accepted | if error <= tolerance: -> if True:
    the worse of the two carried on | x = x + h / 2 * (k1 + k2) -> x = x + h * k1
    error averaged over the entries | .abs().max()) -> .abs().mean())
    error averaged over the entries | .abs().max()) -> .square().mean().sqrt())
    error averaged over the entries | .abs().max()) -> .abs()[0].max())
    errors added up over the entries | .abs().max()) -> .abs().sum())
    errors added up over the entries | .abs().max()) -> .norm())
    error relative to the size of x | .abs().max()) -> .div(1 + x.abs()).abs().max())
    error relative to the size of x | .abs().max()) -> .abs().max() / x.abs().max())
    steps never grow | min(max(change, 0.1), 10.0) -> min(max(change, 0.1), 1.0)
    tolerance not used | t, h, evaluations -> tolerance = 1e-5; t, h, evaluations
    division by an error of 0 | elif error > 0 -> else
    an error of inf or nan | if not math.isfinite(error): -> if False:
        | max(change, 0.1) -> change
    an error of inf or nan | if error <= tolerance -> if not error > tolerance
        | abs().max()) -> abs().nan_to_num(0, 0, 0).max())
    an error of inf or nan | if error <= tolerance -> if not error > tolerance
    an error of inf or nan | .abs().max()) -> .nan_to_num(0.0).abs().max())
    an error of inf or nan | float((h / 2 * (k2 - k1)).abs().max())
        -> max((h / 2 * (k2 - k1)).abs().flatten().tolist())
    too many evaluations | ** 0.5 -> ** -0.5
    too many evaluations | (tolerance / error) -> (tolerance / error / 1e5)
        | max(change, 0.1) -> max(change, 0.01)
    wrong dtype | return x, evaluations -> return x.double().float(), evaluations
    input changed in place | x = x + h / 2 * (k1 + k2) -> x += h / 2 * (k1 + k2)
    """,
        (
            "errors above the tolerance accepted",
            "        if error <= tolerance:",
            "        if error > tolerance and not last:\n"
            "            x = x + h / 2 * (k1 + k2)\n"
            "        if error <= tolerance:",
        ),
        (
            "errors above the tolerance accepted",
            "            t = end if last else t + h\n",
            "        t = end if last else t + h\n",
        ),
    )

    @wrong("result of an earlier call")
    @build
    def size_kept():
        """The next call begins with the last size of this one."""
        kept = {}

        def adaptive(f, x, start, end, tolerance):
            first = kept.get("h", 1.0)
            kept["h"] = first / 2
            how = {"first": first}
            return Flow23.general(f, x, start, end, tolerance, SHAMPINE, **how)

        return adaptive

    def fixed(steps):
        def adaptive(f, x, start, end, tolerance):
            h = (end - start) / steps
            for i in range(steps):
                k = f(x, start + i * h)
                x = x + h / 2 * (k + f(x + h * k, start + (i + 1) * h))
            return x, 2 * steps

        return adaptive

    without = cases(fixed, ("tolerance not used", {"steps": 500}))
