"""Versions of exercise flow-05."""

import math

import torch
from torch import nn

from .. import build, edits, reference, right, wrong


class Flow05:
    r"""
    Each value of channel $c$ is multiplied by $e^{s_c}$, in $h w$ places of an image:
    its Jacobian is diagonal, and the logarithms sum to $h w \sum_c s_c$, the same for
    all images. With the $3072$ values of a small color picture a forgotten $h w = 1024$
    is no matter of taste: the loss would reward scales without end, or none.

    Batch normalization needs statistics of the batch when the flow is inverted, and
    makes one example's density a matter of its neighbors. After the first batch this
    layer is nothing but an affine map.

    The flag is a buffer: a restored model would otherwise be set anew, by whatever
    image happens to come first.
    """

    @reference
    class ActNorm(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(channels))
            self.log_scale = nn.Parameter(torch.zeros(channels))
            self.register_buffer("ready", torch.tensor(False))

        def forward(self, x):
            """(b, c, h, w) -> (b, c, h, w) z, (b,) log |det dz/dx|."""
            if not self.ready:
                with torch.no_grad():
                    std, mean = torch.std_mean(x, (0, 2, 3), correction=0)
                    self.bias.copy_(-mean)
                    self.log_scale.copy_(-std.log())
                    self.ready.fill_(True)
            scale = self.log_scale.exp()[:, None, None]
            log_det = x.shape[2] * x.shape[3] * self.log_scale.sum()
            return (x + self.bias[:, None, None]) * scale, log_det.expand(len(x))

        def reverse(self, z):
            """(b, c, h, w) -> (b, c, h, w)."""
            scale = (-self.log_scale).exp()[:, None, None]
            return z * scale - self.bias[:, None, None]

    @right
    @build
    def with_nan_until_set():
        class ActNorm(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.bias = nn.Parameter(torch.full((channels,), math.nan))
                self.log_scale = nn.Parameter(torch.full((channels,), math.nan))

            def forward(self, x):
                if self.bias.isnan().any():
                    rows = x.detach().movedim(1, 0).reshape(x.shape[1], -1)
                    mean = rows.mean(1)
                    square = (rows - mean[:, None]).square().mean(1)
                    self.bias.data.copy_(-mean)
                    self.log_scale.data.copy_(-0.5 * square.log())
                bias, log_scale = (
                    v.view(1, -1, 1, 1) for v in (self.bias, self.log_scale)
                )
                each = log_scale.expand_as(x)
                return (x + bias) * each.exp(), each.flatten(1).sum(1)

            def reverse(self, z):
                bias, log_scale = (
                    v.view(1, -1, 1, 1) for v in (self.bias, self.log_scale)
                )
                return z / log_scale.exp() - bias

        return ActNorm

    @right
    @build
    def with_a_counter():
        class ActNorm(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.bias = nn.Parameter(torch.randn(channels))
                self.log_scale = nn.Parameter(torch.randn(channels))
                self.seen = nn.Parameter(torch.zeros(1), requires_grad=False)

            def forward(self, x):
                if self.seen.item() == 0:
                    n = x[:, 0].numel()
                    with torch.no_grad():
                        for i, channel in enumerate(x.unbind(1)):
                            self.bias[i] = -channel.mean()
                            rest = channel + self.bias[i]
                            self.log_scale[i] = math.log(n) / 2 - rest.norm().log()
                self.seen.data += 1
                z = torch.einsum("bcij,c->bcij", x + self.bias[:, None, None],
                                 self.log_scale.exp())  # fmt: skip
                places = x[0, 0].numel()
                return [
                    z,
                    places * self.log_scale.sum() * torch.ones_like(x[:, 0, 0, 0]),
                ]

            def reverse(self, z):
                z = torch.einsum("bcij,c->bcij", z, torch.exp(-self.log_scale))
                return z - self.bias[None, :, None, None]

        return ActNorm

    @right
    @build
    def with_extra_state():
        class ActNorm(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.bias = nn.Parameter(torch.empty(channels))
                self.log_scale = nn.Parameter(torch.empty(channels))
                self.done = False

            def get_extra_state(self):
                return {"done": self.done}

            def set_extra_state(self, state):
                self.done = state["done"]

            def forward(self, x):
                if not self.done:
                    with torch.no_grad():
                        var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
                        self.bias[:] = -mean
                        self.log_scale[:] = -var.log() / 2
                    self.done = True
                z = (x.movedim(1, -1) + self.bias) * self.log_scale.exp()
                log_det = self.log_scale.sum() * (x.size(2) * x.size(3))
                return z.movedim(-1, 1), log_det.repeat(len(x))

            def reverse(self, z):
                x = z.movedim(1, -1) / self.log_scale.exp() - self.bias
                return x.movedim(-1, 1)

        return ActNorm

    edited = edits(
        ActNorm,
        """
    statistics over other axes | (x, (0, 2, 3), correction=0)
        -> (x, (0, 1, 2, 3), correction=0)
    statistics over other axes | -std.log()
        -> -x.std((2, 3), correction=0).mean(0).log()
    zeros taken for unset | if not self.ready:
        -> if not (self.bias.any() or self.log_scale.any()):
    wrong dtype | log_det.expand(len(x)) -> log_det.expand(len(x)).float()
    places counted otherwise | x.shape[2] * x.shape[3] * self
        -> x.shape[2] * x.shape[2] * self
    divided by one less | correction=0 -> correction=1
    variance in place of the standard deviation | -std.log() -> -2 * std.log()
    standard deviation ignored | -std.log() -> 0 * std
    mean and spread confused | copy_(-mean) -> copy_(mean)
    mean and spread confused | -std.log() -> std.log()
    mean and spread confused | copy_(-mean) -> copy_(-mean * std)
    mean and spread confused | copy_(-mean) -> zero_()
    mean and spread confused | -std.log() -> -x.square().mean((0, 2, 3)).log() / 2
    floor under the standard deviation | -std.log() -> -(std + 1e-6).log()
    floor under the standard deviation | -std.log() -> -std.clamp(min=1e-5).log()
    floor under the standard deviation | -std.log() -> -(std**2 + 1e-6).log() / 2
    floor under the standard deviation | -std.log() -> -(std + 1e-8).log()
    difference of large numbers | -std.log()
        -> -(x.square().mean((0, 2, 3)) - mean**2).abs().log() / 2
    not set by the first batch | if not self.ready: -> if False:
    set by every batch | if not self.ready: -> if True:
    set by every batch | self.ready.fill_(True) -> pass
    set in training mode alone | not self.ready -> not self.ready and self.training
    set again after loading
        | self.register_buffer("ready", torch.tensor(False)) -> self.ready = False
        | self.ready.fill_(True) -> self.ready = True
    set again after loading | torch.tensor(False)) -> torch.tensor(False), False)
    parameters replaced | self.bias.copy_(-mean) -> self.bias = nn.Parameter(-mean)
    parameters replaced | self.log_scale.copy_(-std.log())
        -> self.log_scale = nn.Parameter(-std.log())
    parameters missing or of another shape
        | self.bias = nn.Parameter(torch.zeros(channels))
        -> self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
    parameters missing or of another shape
        | self.bias = nn.Parameter(torch.zeros(channels))
        -> self.bias = torch.zeros(channels)
    float32 in between | return (x + self.bias[:, None, None]) * scale
        -> return ((x + self.bias[:, None, None]) * scale).float().to(x)
    float32 in between | (x, (0, 2, 3), correction=0)
        -> (x.float(), (0, 2, 3), correction=0)
    float32 in between | -std.log() -> -std.float().log()
    bias after the scale | (x + self.bias[:, None, None]) * scale, log
        -> x * scale + self.bias[:, None, None], log
        | copy_(-mean) -> copy_(-mean / std)
    signs of the two numbers | copy_(-mean) -> copy_(mean)
        | (x + self.bias -> (x - self.bias
    signs of the two numbers | -std.log() -> std.log()
        | scale = self.log_scale.exp() -> scale = (-self.log_scale).exp()
        | log_det = x -> log_det = -x
    places left out | x.shape[2] * x.shape[3] * self -> self
    places counted otherwise | x.shape[2] * x.shape[3] * self -> x.shape[2] * self
    places counted otherwise | x.shape[2] * x.shape[3] * self -> x[:, 0].numel() * self
    log-determinant of the inverse | log_det = x -> log_det = -x
    mean over the dimensions | self.log_scale.sum() -> self.log_scale.mean()
    reduced over the batch | log_det.expand(len(x)) -> log_det
    not summed over the dimensions | self.log_scale.sum() -> self.log_scale
        | log_det.expand(len(x)) -> log_det.expand(len(x), -1)
    determinant in place of its logarithm | log_det.expand -> log_det.exp().expand
    reverse wrong | z * scale - self.bias[:, None, None]
        -> (z - self.bias[:, None, None]) * scale
    reverse wrong | z * scale - self -> z * scale + self
    reverse wrong | (-self.log_scale).exp() -> self.log_scale.exp()
    cut off from the graph | log_det.expand -> log_det.detach().expand
    cut off from the graph | self.log_scale.exp() -> self.log_scale.detach().exp()
    cut off from the graph | (-self.log_scale).exp() -> (-self.log_scale.detach()).exp()
    no pair | , log_det.expand(len(x)) ->
    wrong dtype | return (x + self.bias[:, None, None]) * scale
        -> return ((x + self.bias[:, None, None]) * scale).float()
    wrong dtype | return z * scale - self.bias[:, None, None]
        -> return (z * scale - self.bias[:, None, None]).float()
    float32 in between | return z * scale - self.bias[:, None, None]
        -> return (z * scale - self.bias[:, None, None]).float().to(z)
    """,
    )

    @wrong("statistics over other axes")
    @build
    def for_each_image():
        class ActNorm(Flow05.ActNorm):
            def forward(self, x):
                std, mean = torch.std_mean(x, (2, 3), correction=0, keepdim=True)
                return (x - mean) / std, -std.log().sum((1, 2, 3)) * x[0, 0].numel()

        return ActNorm

    @wrong("set with another layer")
    @build
    def flag_of_the_class():
        class ActNorm(Flow05.ActNorm):
            done = False

            def forward(self, x):
                self.ready.fill_(self.done)
                type(self).done = True
                return super().forward(x)

        return ActNorm

    @wrong("state of an unset layer")
    @build
    def set_by_loading():
        class ActNorm(Flow05.ActNorm):
            def load_state_dict(self, state, **how):
                super().load_state_dict(state, **how)
                self.ready.fill_(True)

        return ActNorm

    @wrong("zeros taken for unset")
    @build
    def set_by_a_state_of_numbers():
        class ActNorm(Flow05.ActNorm):
            def load_state_dict(self, state, **how):
                super().load_state_dict(state, **how)
                self.ready.fill_(bool(self.bias.any() or self.log_scale.any()))

        return ActNorm

    @wrong("gradient through the statistics")
    @build
    def first_batch_by_its_own_graph():
        class ActNorm(Flow05.ActNorm):
            def forward(self, x):
                new = not self.ready
                z, log_det = super().forward(x)
                if new:
                    std, mean = torch.std_mean(x, (0, 2, 3), correction=0, keepdim=True)
                    z = (x - mean) / std
                return z, log_det

        return ActNorm
