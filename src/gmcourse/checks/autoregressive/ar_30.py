"""Exercise ar-30: What does a head look for?"""

from .._exercise import Exercise

Exercise(
    id="ar-30",
    title="What does a head look for?",
    difficulty=4,
    minutes=60,
    compute="cpu-10min",
    points=6,
    objectives=(
        "Tell by experiment whether a transformer copies by place or by content, and "
        "how many layers each takes.",
    ),
    statement=r"""
A name that was seen once in a text will come again, and then its letters can be copied.
What does attention need for that
([Olsson et al., 2022](https://arxiv.org/abs/2209.11895))? A toy: a *block* of $L$
different tokens, drawn at random from 32, is repeated until the row has 40 tokens. Of
the first block and of the token after it nothing can be told, of all later ones
everything: with places counted from 0, measure the mean nats of the tokens at the
places above $L$ alone. A model that knows no more than which tokens are in the block
needs about $\ln L$.

Build a decoder of attention alone: an embedding of the token plus one of the place, one
or two layers of causal attention with a single head, each added to what came in, and a
linear layer to 32 logits. No layer has a hidden net. Train it, five seeds each and the
same steps,

1. with one layer and with two, on blocks of $L = 12$;
2. with one layer and with two, on rows whose $L$ is drawn from 8, ..., 16;
3. with one layer on the rows of 2, the keys made from the token *before* each place.

Report on one page:

- a table of nats on new rows as in training, and on rows of $L = 7$ and $L = 19$, with
  the range over the seeds;
- for each layer the mean weight on the token before, in the first block and later, and
  later that on the token which followed the present one in the last block, $L - 1$
  places back;
- which of these models copy by place and which by content, and for each the number
  that could have shown the opposite;
- why one layer cannot do in 2 what it does in 1 and in 3.
""",
    stub="",
    hints=(
        "`torch.rand(n, 32).argsort(1)` is a block of different tokens for each row, "
        "and `gather` with the places modulo $L$ repeats it.",
        "The score of one layer compares what is at two places: two tokens and two "
        "positions. To copy, which token has to stand *before* the one that is found?",
    ),
)
