"""What several exercises on maps and their log-determinants try."""

import torch


def pair(t, out, why):
    """The two parts of a result; ``why`` says which are due."""
    two = isinstance(out, tuple | list) and len(out) == 2
    got = f"an object of type {type(out).__name__}"
    got += f", of length {len(out)}" if isinstance(out, tuple | list) else ""
    t.true(two, f"A pair {why}.", got, "no pair")
    return out


def in_float32(out, due):
    """For `ideas`: ``out``, if float32 holds all of it and nothing else is wrong."""
    out, due = out.detach().cpu(), due.double()
    near = out.dtype == torch.float64 and out.shape == due.shape
    near = near and torch.allclose(out, due, 1e-4, 1e-4)
    held = near and torch.equal(out, out.float().double())
    return "float32 in between", [out] * held


def along(t, run, leaves, names, broken="cut off from the graph"):
    """Gradients of what ``run()`` gives, by ``leaves``: their sum in one direction is
    the slope of the results themselves. An error of backward is called ``broken``."""
    outs, step = run(), [t.normal(*v.shape).double() for v in leaves]
    weights = [t.uniform(*v.shape, low=0.5, high=2).double() for v in outs]
    told, cut = "The slope in one direction.", "cut off from the graph"
    found = []
    for out, weight, name in zip(outs, weights, names):
        t.property(f"the gradient of {name}", of=out)
        try:
            found.append([t.grad(out, v, weight) for v in leaves])
        except RuntimeError as error:
            t.fail(broken, why=told, got=str(error).split(":")[0][:200])
    ends = []
    for h in (1e-5, -2e-5):
        with torch.no_grad():
            for v, way in zip(leaves, step):
                v.add_(h * way)
        ends.append([t.tensor(v).detach() for v in run()])
    for one, two, weight, got, out, name in zip(*ends, weights, found, outs, names):
        t.property(f"the gradient of {name}", of=out)
        sums = [(v * way).sum() for v, way in zip(got, step)]
        t.close(sum(sums), ((one - two) / 2e-5 * weight).sum(), told, cut, tol=1e-5)
