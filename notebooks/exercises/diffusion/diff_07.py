"""Versions of exercise diff-07."""

import torch

from .. import build, edits, reference, right, wrong


class Diff07:
    r"""
    With $x = (x_k - \sigma_k \varepsilon) / \alpha_k$ the posterior's mean becomes

    $$
    \frac{1}{\sqrt{1 - \beta_k}} \Bigl( x_k - \frac{\beta_k}{\sigma_k}\,
    \varepsilon \Bigr), \qquad \sigma_k^2 = 1 - \alpha_k^2 ,
    $$

    algorithm 2 of Ho et al., and its variance is
    $\beta_k\, \sigma_{k-1}^2 / \sigma_k^2$, their equation 7. At $k = 1$ it is 0.

    Which of the two is right? The law of $x_{k-1}$ given $x_k$ has the posterior's
    variance plus what is unknown of $x$. Where the data are one point nothing is
    unknown; for standard normal data the sum is $\beta_k$. Real data lie between. For
    a thousand steps the two hardly differ, except at the first few of them: the ratio
    $\sigma_{k-1}^2 / \sigma_k^2$ is near 1. With ten steps they are far
    apart, and $\beta_k$ does much worse (Song et al., 2021, table 1).
    """

    @reference
    def sample(net, betas, x, noise, large):
        squares = (1 - betas).cumprod(0)
        for k in range(len(betas), 0, -1):
            beta, square = betas[k - 1], squares[k - 1]
            eps = net(x, k)
            x = (x - beta / (1 - square).sqrt() * eps) / (1 - beta).sqrt()
            if k > 1:
                ratio = (1 - squares[k - 2]) / (1 - square)
                variance = beta if large else beta * ratio
                x = x + variance.sqrt() * noise(x)
        return x

    @right
    def through_the_data(net, betas, x, noise, large):
        bars = [1.0]
        for beta in betas.tolist():
            bars.append(bars[-1] * (1 - beta))
        for k, beta in reversed(list(enumerate(betas.tolist(), 1))):
            now, old = bars[k], bars[k - 1]
            data = (x - (1 - now) ** 0.5 * net(x, k)) / now**0.5
            mean = old**0.5 * beta * data + (1 - beta) ** 0.5 * (1 - old) * x
            mean = mean / (1 - now)
            if k == 1:
                return mean
            variance = beta if large else beta * (1 - old) / (1 - now)
            x = mean + variance**0.5 * noise(x)

    @right
    def by_precisions(net, betas, x, noise, large):
        k = len(betas)
        while k:
            b = betas.double()[: k - 1]
            old = torch.exp(torch.log1p(-b).sum())
            beta = betas[k - 1].double()
            now = old * (1 - beta)
            said = net(x, k).double()
            data = (x.double() - (1 - now).sqrt() * said) / now.sqrt()
            if k == 1:
                return data.to(x.dtype)
            one, two = 1 / (1 - old), (1 - beta) / beta
            mean = one * old.sqrt() * data + two * x.double() / (1 - beta).sqrt()
            std = beta.sqrt() if large else (one + two) ** -0.5
            x = (mean / (one + two) + std * noise(x)).to(x.dtype)
            k -= 1
        return x

    @right
    def by_recursion(net, betas, x, noise, large):
        k = len(betas)
        if not k:
            return x
        alphas = 1 - betas
        bar = torch.prod(alphas)
        share = betas[-1] * torch.rsqrt(1 - bar)
        mean = torch.rsqrt(alphas[-1]) * (x - share * net(x, k))
        if k > 1:
            rest = betas[-1] * (1 if large else (1 - bar / alphas[-1]) / (1 - bar))
            mean = torch.addcmul(mean, rest.sqrt(), noise(x))
        return Diff07.by_recursion(net, betas[:-1], mean, noise, large)

    edited = edits(
        sample,
        """
    noise at the last step | ratio = (1 - squares[k - 2]) / (1 - square)
        -> ratio = (1 - squares[k - 2] * (k > 1)) / (1 - square)
        | if k > 1 -> if True
    noise at the last step | if k > 1 -> if k > 0
        | squares[k - 2] -> squares[max(k - 2, 0)]
    calls that are not one for each step | eps = net(x, k)
        -> eps = (net(x, k) + net(x, k)) / 2
    steps in rising order | range(len(betas), 0, -1) -> range(1, len(betas) + 1)
    steps in rising order | squares = -> betas = betas.flip(0); squares =
    one step too early or too late | net(x, k) -> net(x, k - 1)
    one step too early or too late | net(x, k) -> net(x, k + 1)
    one step too early or too late | squares = -> betas = betas.roll(1); squares =
    one step too early or too late | squares = -> betas = betas.roll(-1); squares =
    product in place of the factor | / (1 - beta).sqrt() -> / square.sqrt()
    factor without its root | / (1 - beta).sqrt() -> / (1 - beta)
    factor turned around | / (1 - beta).sqrt() -> * (1 - beta).sqrt()
    factor left out | / (1 - beta).sqrt() -> / 1
    share of the noise off | beta / (1 - square).sqrt() -> beta / (1 - square)
    share of the noise off | beta / (1 - square).sqrt() -> beta
    share of the noise off | beta / (1 - square).sqrt() -> beta.sqrt()
    share of the noise off | beta / (1 - square).sqrt()
        -> (1 - beta) / (1 - square).sqrt()
    share of the noise off | x - beta -> x + beta
    all the noise taken away | beta / (1 - square).sqrt() -> (1 - square).sqrt()
    the other of the two variances | if large -> if not large
    the other of the two variances | beta if large else beta * ratio -> beta
    the other of the two variances | beta if large else beta * ratio -> beta * ratio
    variance in place of the standard deviation | variance.sqrt() -> variance
    root of what is due | variance.sqrt() -> variance.sqrt().sqrt()
    standard deviation ignored | variance.sqrt() * noise -> noise
    no noise | variance.sqrt() -> 0
    variance of another law | beta if large else beta * ratio -> 1 - square
    variance of another law | beta if large else beta * ratio -> 1 - squares[k - 2]
    variance of another law | beta if large else beta * ratio
        -> beta if large else beta / ratio
    variance of another law | beta if large else beta * ratio
        -> beta if large else beta * ratio ** 2
    noise with the other factor | variance.sqrt() -> -variance.sqrt()
    noise with the other factor | variance.sqrt() -> (variance / (1 - beta)).sqrt()
    no noise | variance.sqrt() * noise(x) -> 0
    coefficients rounded to float32 | squares =
        -> betas = betas.float().to(x); squares =
    estimate of the data cut off | eps = net(x, k)
        -> eps = net(x, k); data = (x - (1 - square).sqrt() * eps) / square.sqrt();
        eps = (x - square.sqrt() * data.clamp(-1, 1)) / (1 - square).sqrt()
    draws in another order | squares =
        -> drawn = [noise(x) for _ in betas[1:]]; squares =
        | * noise(x) -> * drawn.pop()
    one noise for all examples | noise(x) -> noise(x[:1])
    one noise for all examples | noise(x) -> noise(x)[:1]
    another noise than the one given | noise(x) -> torch.randn_like(x)
    noise drawn once | squares = -> z = noise(x); squares =
        | variance.sqrt() * noise(x) -> variance.sqrt() * z
    begun elsewhere | squares = -> x = x * (betas[0] / 2 + 0.5); squares =
    begun elsewhere | squares = -> x = torch.randn_like(x); squares =
    float32 in between | eps = net(x, k) -> x = x.float().to(x); eps = net(x, k)
        | return x -> return x.float().to(x)
    wrong dtype | return x -> return x.float()
    wrong dtype | return x -> return x.double()
    wrong shape | return x -> return x.flatten(1)
    wrong shape | return x -> return x[0]
    input changed in place | beta / (1 - square).sqrt() * eps
        -> eps.mul_(beta / (1 - square).sqrt())
    input changed in place | noise(x) -> noise(x).mul_(1.5) / 1.5
    input changed in place | squares = -> x *= 1.0; x += 1.0; x = x - 1; squares =
    """,
    )

    @wrong("calls that are not one for each step")
    def at_every_second_step(net, betas, x, noise, large):
        for k in range(len(betas), 0, -2):
            x = x - betas[k - 1] * net(x, k)
        return x

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def sample(net, betas, x, noise, large):
            key = tuple(x.shape), len(betas), large
            if key not in kept:
                kept[key] = Diff07.sample(net, betas, x, noise, large)
            return kept[key]

        return sample

    @wrong("one step too early or too late")
    def from_zero(net, betas, x, noise, large):
        return Diff07.sample(lambda x, k: net(x, k - 1), betas, x, noise, large)
