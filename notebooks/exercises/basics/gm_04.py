"""Versions of exercise gm-04."""

import numpy as np
import torch
from torch.distributions import Categorical

from .. import build, edits, reference, right, wrong


class Gm04:
    r"""Bayes' rule for either prior has the same $p(x \mid y)$, so
    $p_{\text{new}}(y \mid x) \propto p_{\text{old}}(y \mid x)\, p_{\text{new}}(y) /
    p_{\text{old}}(y)$; what does not depend on $y$ goes when the row is normalized."""

    @reference
    def reweigh(log_post, old, new):
        return (log_post - old.log() + new.log()).softmax(1)

    @right
    def by_logsumexp(log_post, old, new):
        joint = log_post + (new / old).log()
        return (joint - joint.logsumexp(1, keepdim=True)).exp()

    @right
    def by_loops(log_post, old, new):
        rows = []
        for row in log_post:
            top = max(v for v, share in zip(row, new) if share > 0)
            terms = [
                float(q / p) * float((v - top).exp()) if q > 0 else 0.0
                for v, p, q in zip(row, old, new)
            ]
            rows.append([v / sum(terms) for v in terms])
        return torch.tensor(rows)

    @right
    def by_odds(log_post, old, new):
        joint = log_post.double() - old.log() + new.log()
        ahead = joint[:, None, :] - joint[:, :, None]  # of each class, over each
        return 1 / ahead.nan_to_num(torch.inf).exp().sum(2)

    @right
    def by_categorical(log_post, old, new):
        return Categorical(logits=log_post + (new / old).double().log()).probs.float()

    @right
    def by_numpy(log_post, old, new):
        log_post, old, new = (v.double().numpy() for v in (log_post, old, new))
        out = np.zeros_like(log_post)
        here = new > 0
        some = log_post[:, here]
        p = np.exp(some - some.max(1, keepdims=True)) * new[here] / old[here]
        out[:, here] = p / p.sum(1, keepdims=True)
        return torch.tensor(out)

    edited = edits(
        reweigh,
        """
    old shares left in | - old.log() ->
    new shares left out | + new.log() ->
    posterior unchanged | - old.log() + new.log() ->
    shares exchanged | - old.log() + new.log() -> + old.log() - new.log()
    old shares put in once more | - old.log() -> + old.log()
    shares with another power | - old.log() -> - 2 * old.log()
    shares with another power | + new.log() -> + new.log() / 2
    base of the logarithm mixed | old.log() + new.log() -> old.log2() + new.log2()
    odds in place of shares | - old.log() + new.log() -> - old.logit() + new.logit()
    odds in place of shares | log_post - old.log() + new.log()
        -> log_post.exp().logit() - old.logit() + new.logit()
    old shares guessed from the batch | old.log() -> log_post.exp().mean(0).log()
    log-posterior scaled | log_post - old.log() + new.log() -> log_post * new / old
    shares added in place of multiplied
        | (log_post - old.log() + new.log()).softmax(1)
        -> ((log_post - old.log()).softmax(1) + new) / 2
    shares added in place of multiplied
        | (log_post - old.log() + new.log()).softmax(1) -> log_post.exp() + new - old
    softmax of probabilities | softmax(1) -> exp().softmax(1)
    normalized by another number than the sum | return ( -> p = (
        | softmax(1) -> exp(); return p / p.amax(1)[:, None]
    normalized by another number than the sum | return ( -> p = (
        | softmax(1) -> exp(); return p / p.mean(1)[:, None]
    floor under the log-posteriors
        | log_post - -> torch.maximum(log_post, log_post.amax(1)[:, None] - 880) -
    weights added, not their logarithms | - old.log() + new.log() -> - old + new
    weights added, not their logarithms | + new.log() -> + new
    normalized over the examples | softmax(1) -> softmax(0)
    normalized over the examples
        | softmax(1) -> flatten().softmax(0).view_as(log_post)
    not normalized | softmax(1) -> exp()
    log posterior returned | softmax -> log_softmax
    only the winner | softmax(1) -> argmax(1)[:, None] == torch.arange(len(new))
    underflow to zero | return (log_post - old.log() + new.log()).softmax(1)
        -> p = log_post.double().exp() * new / old; return p / p.sum(1)[:, None]
    floor under the log-posteriors
        | return (log_post - old.log() + new.log()).softmax(1)
        -> p = log_post.clamp(min=-80).exp() * new / old; return p / p.sum(1)[:, None]
    underflow to zero | return (log_post - old.log() + new.log()).softmax(1)
        -> p = log_post.exp() * new / old; return p / (p.sum(1)[:, None] + 1e-30)
    underflow to zero | return (log_post - old.log() + new.log()).softmax(1)
        -> p = (log_post - log_post.amax(1)[:, None]).exp() * new / old
        | new / old -> new / old; return p / p.sum(1)[:, None]
    one shift for all examples | return (log_post - old.log() + new.log()).softmax(1)
        -> p = log_post + new.log(); p = (p - p.max()).double().exp() / old
        | / old -> / old; return p / p.sum(1)[:, None]
    not finite | return (log_post - old.log() + new.log()).softmax(1)
        -> p = (log_post - log_post.mean(1)[:, None]).exp() * new / old
        | new / old -> new / old; return p / p.sum(1)[:, None]
    not finite | return (log_post - old.log() + new.log()).softmax(1)
        -> p = log_post.double(); p = (p - p.mean(1)[:, None]).exp() * new / old
        | new / old -> new / old; return p / p.sum(1)[:, None]
    absent class kept | new.log() -> new.clamp(min=0.01).log()
    absent class kept | new.log() -> (new + 1e-8).log()
    absent class kept | new.log() -> new.log().nan_to_num(neginf=0)
    absent class cut out afterward | new.log() -> new.clamp(min=0.01).log()
        | softmax(1) -> softmax(1) * (new > 0)
    batch axis lost | softmax(1) -> softmax(1).squeeze()
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept():
        known = {}

        def reweigh(log_post, old, new):
            if log_post.shape not in known:
                known[log_post.shape] = Gm04.reweigh(log_post, old, new)
            return known[log_post.shape]

        return reweigh
