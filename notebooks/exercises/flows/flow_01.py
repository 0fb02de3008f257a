"""Versions of exercise flow-01."""

import torch

from .. import build, edits, reference, right, wrong


class Flow01:
    r"""
    $\log p_X(x) = \log p_Z(z) - \log |g'(z)|$. In the chapter the map goes the other
    way, from $x$ to $z = f(x)$, and its log-slope is added: $f'(x) = 1 / g'(z)$. It is
    one formula read from its two ends, and most mistakes of sign come from mixing them.

    The sum costs nothing: the Jacobian of a function of each number alone is diagonal,
    and one backward pass gives the whole diagonal. For a map of vectors that would be
    the sum of each column of the Jacobian and no determinant, which is why flows are
    built of maps whose determinant is cheap.
    """

    @reference
    def pushed(g, z, log_p):
        if not z.requires_grad:
            z = z.detach().requires_grad_()
        x = g(z)
        (slope,) = torch.autograd.grad(x.sum(), z, create_graph=True)
        return x, log_p - slope.abs().log()

    @right
    def by_torch_func(g, z, log_p):
        flat = z.reshape(-1)
        slope = torch.func.vmap(torch.func.grad(g))(flat).view(z.shape)
        return g(z), log_p - torch.log(torch.abs(slope))

    @right
    def one_number_at_a_time(g, z, log_p):
        logs = []
        for v in z.flatten():
            v = v if v.requires_grad else v.clone().requires_grad_()
            logs.append(torch.autograd.grad(g(v), v, create_graph=True)[0].abs().log())
        return [g(z), log_p - torch.stack(logs).reshape(z.shape)]

    @right
    def by_forward_mode(g, z, log_p):
        x, slope = torch.func.jvp(g, (z,), (torch.ones_like(z),))
        return x, log_p - slope.abs().log()

    @right
    def by_the_jacobian(g, z, log_p):
        jac = torch.autograd.functional.jacobian(g, z.flatten(), create_graph=True)
        return g(z), log_p - jac.diagonal().abs().log().reshape(z.shape)

    edited = edits(
        pushed,
        """
    no absolute value | slope.abs().log() -> slope.log()
    no absolute value | slope.abs() -> slope.clamp(min=1e-12)
    no absolute value | slope.abs() -> slope.clamp(min=1e-30)
    sign of the log-slope | log_p - slope -> log_p + slope
    sign of the log-slope | log_p - slope.abs() -> log_p - 1 / slope.abs()
        | 1 / slope.abs().log() -> (1 / slope.abs()).log()
    slope left out | log_p - slope.abs().log() -> log_p + 0 * slope
    slope in place of its logarithm | slope.abs().log() -> slope.abs()
    slope in place of its logarithm | slope.abs().log() -> slope
    slope in place of its logarithm | log_p - slope.abs().log() -> log_p / slope.abs()
    logarithm to base 10 | .log() -> .log10()
    bits in place of nats | .log() -> .log2()
    off by a factor of two | .log() -> .log() / 2
    density in place of its logarithm | return x, log_p - slope.abs().log()
        -> return x, (log_p - slope.abs().log()).exp()
    density in place of its logarithm | log_p - slope.abs().log()
        -> log_p.exp() / slope.abs()
    reduced over the batch | slope.abs().log() -> slope.abs().log().sum()
    reduced over the batch | slope.abs().log() -> slope.abs().log().mean()
    reduced over the batch | return x, log_p - slope.abs().log()
        -> return x, (log_p - slope.abs().log()).sum()
    slope of the mean | x.sum() -> x.mean()
    float32 in between | return x, log_p - slope.abs().log()
        -> return x, (log_p - slope.abs().log()).float().to(z)
    underflow to zero | log_p - slope.abs().log() -> (log_p.exp() / slope.abs()).log()
    floor under the slope | slope.abs() -> (slope.abs() + 1e-8)
    floor under the slope | slope.abs() -> (slope.abs() + 1e-12)
    floor under the slope | slope.abs() -> slope.abs().clamp(min=1e-20)
    ceiling on the slope | slope.abs() -> slope.abs().clamp(max=1e20)
    ceiling on the slope | slope.abs() -> slope.abs().clamp(max=1e28)
    ceiling on the slope | slope.abs() -> slope.abs().clamp(1e-30, 1e20)
    slope squared | slope.abs().log() -> slope.square().log() / 2
    one subtracted and added | slope.abs().log() -> (slope.abs() - 1).log1p()
    float32 in between | slope.abs().log() -> slope.abs().float().log().to(z)
    float32 in between | slope.abs() -> slope.abs().float().to(z)
    summed over the dimensions | slope.abs().log() -> (slope.abs().log()
        if z.dim() < 2 else slope.abs().log().sum(-1, keepdim=True))
    derivative at x in place of z
        | (slope,) = -> y = x.detach().requires_grad_(); (slope,) =
        | x.sum(), z -> g(y).sum(), y
    cut off from the graph | , create_graph=True ->
    cut off from the graph | slope.abs().log() -> slope.abs().log().detach()
    cut off from the graph | if not z.requires_grad -> if True
    cut off from the graph | return x, log_p -> return x, log_p.detach()
    cut off from the graph | return x, -> return x.detach(),
    results exchanged | return x, log_p - slope.abs().log()
        -> return log_p - slope.abs().log(), x
    z returned in place of x | return x, -> return z,
    no pair | return x, log_p -> return log_p
    wrong dtype | return x, log_p -> return x, log_p.double()
    batch axis lost | return x, log_p - slope.abs().log()
        -> return x, (log_p - slope.abs().log()).squeeze()
    differences in place of derivatives
        | slope.abs() -> ((g(z + 1e-3) - x) / 1e-3).abs()
    differences in place of derivatives
        | slope.abs() -> ((g(z + 1e-4) - g(z - 1e-4)) / 2e-4).abs()
    differences in place of derivatives | slope.abs()
        -> ((g(z.double() + 1e-5) - g(z.double() - 1e-5)) / 2e-5).abs().to(z)
    """,
    )

    @wrong("summed over the dimensions")
    def rows_of_values(g, z, log_p):
        x, out = Flow01.pushed(g, z, log_p)
        return x, out if z.dim() < 2 else out.flatten(1).sum(1)

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        made = {}

        def pushed(g, z, log_p):
            x, out = Flow01.pushed(g, z, log_p)
            return x, made.setdefault((z.shape, z.dtype), out)

        return pushed

    @wrong("result of an earlier call")
    @build
    def kept_by_z():
        slopes = {}

        def pushed(g, z, log_p):
            key = tuple(z.flatten().tolist())
            x, out = Flow01.pushed(g, z, log_p)
            return x, log_p + slopes.setdefault(key, (out - log_p).detach())

        return pushed
