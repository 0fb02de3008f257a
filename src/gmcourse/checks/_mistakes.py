"""The vocabulary of mistakes: each has one name and one sentence, in all exercises.

"mean over the dimensions" is one mistake, whether of pixels, latents or values. A name
says what was done, short and in lower case; its sentence says why that matters or how
to see it, and does not hold the line that mends it. An exercise declares only what
belongs to it alone.
"""

# Of code in general; the engine finds these in every call.
GENERAL = {
    "input changed in place": "The caller still needs the tensors it passed in: "
    "make new ones instead of using += or exp_().",
    "global random state reseeded": "manual_seed inside the function makes every call "
    "draw the same numbers, and so does all code that runs after it.",
    "gradients switched off globally": "set_grad_enabled(False) outlives the call; "
    "put `with torch.no_grad():` around the lines that need it.",
    "defaults changed globally": "set_default_dtype and set_default_device outlive "
    "the call, and change all code that runs after it.",
    "too slow": "A call should take a small part of a second: look for a loop that "
    "does not end, or one over what tensors do at once.",
    "not a tensor": "Other types lose the gradient and the device.",
    "wrong shape": "Look at which axes were summed, kept or broadcast.",
    "wrong dtype": "Look for constants or casts that change the type.",
    "not finite": "Look for log(0), division by 0 and exp of a large number.",
    "differences in place of derivatives": "A difference quotient is right only up to "
    "its step and its rounding; automatic differentiation is exact.",
    "result of an earlier call": "What was computed for other arguments came again: "
    "nothing may be kept between calls.",
}

# Of what belongs to the caller: networks and tensors that are as before afterward.
CALLER = {
    "mode changed": "train() and eval() belong to the caller: a network is used in the "
    "mode in which it is, and stays in it.",
    "weights frozen or thawed": "requires_grad belongs to the caller: what was "
    "switched must be put back as it was, weight by weight.",
    "gradients of the weights touched": "backward() and zero_grad() change the .grad "
    "of the caller's weights: ask torch.autograd.grad for what you need.",
    "requires_grad of an input changed": "requires_grad_() on a tensor that was passed "
    "in changes the caller's: take a detached one.",
}

# Of a sum over the dimensions of each row; `rowwise` tries them all.
SUMS = {
    "not summed over the dimensions": "One number for each row is due, the sum over "
    "its dimensions.",
    "reduced over the batch": "One number for each row is due; the mean over the "
    "batch comes later, if at all.",
    "mean over the dimensions": "Independent dimensions add up. A mean is smaller by "
    "their number, which changes the weight against every other term.",
    "dimensions left out": "All dimensions count: change the last one and look.",
    "sign flipped": "The size is right, the sign is not: is a loss due, or what it "
    "is the negative of?",
    "off by a factor of two": "Exactly twice or half of what is due: look for a lost "
    "1/2, or for a square where a root belongs under a logarithm.",
    "bits in place of nats": "Nats are due: the natural logarithm.",
    "constant left out": "The result is off by the same amount whatever the input.",
    "estimated from samples": "The value can be computed; an estimate adds noise to "
    "it and to every gradient.",
    "cut off from the graph": "The value is right and its gradient is not: what is "
    "detached, or goes through numpy or item(), trains nothing.",
    "batch axis lost": "squeeze() also removes a batch axis of length one.",
}

# Of random draws; `sampler` looks for them.
DRAWS = {
    "noise fixed across calls": "Two calls give the same: the noise was drawn once "
    "and kept, or comes from a generator that starts anew.",
    "one noise for all draws": "The draws of one call are copies of each other.",
    "one noise for all examples": "All rows of the batch share their noise.",
    "one noise for all dimensions": "The entries of a row share their noise, so the "
    "draws move along one line only.",
    "noise used more than once": "Some entries get the same noise as others, or its "
    "mirror image.",
    "draws not independent": "One draw says something about another: was the noise "
    "centered, or used in pairs?",
    "noise that is not normal": "The noise has the right mean and spread, but another "
    "shape.",
    "uniform noise": "rand draws from [0, 1); a normal is due.",
    "mean not added": "The draws are centered at 0.",
    "standard deviation ignored": "The noise goes in unscaled.",
    "standard deviation squared": "The noise is scaled by the standard deviation, not "
    "by the variance.",
    "sampled outside the graph": "Under no_grad, or after detach(), no gradient flows "
    "through the draw, and what comes before it learns nothing.",
    "a random node without a derivative": "torch.normal(mean, std) keeps a graph, but "
    "its gradient is 0: the draw is no function of mean and std there.",
    "mean cut off from the graph": "The gradient of the draw with respect to the mean "
    "is 0.",
    "standard deviation cut off from the graph": "The gradient of the draw with "
    "respect to the standard deviation is 0: it never learns how wide to be.",
}

# Of one number; `number` tries them all.
NUMBERS = {
    "another of the answers": "This number is due for another of the answers: look at "
    "their order.",
    "inverse of what is due": "This is 1 divided by it: a ratio, or a precision and a "
    "variance, are turned around.",
    "square of what is due": "A root is still to be taken.",
    "root of what is due": "This is its root: was one taken too often, or a square "
    "lost?",
    "logarithm to base 10": "Nats are due: log, not log10.",
    "percent in place of a share": "A share is a number from 0 to 1.",
    "not to the digits asked for": "It is near. Look for early rounding, an estimate "
    "from draws, or a grid that is too coarse, ends too early or was made in float32.",
}

# Of Gaussians and logarithms.
SCALES = {
    "log_std read as log variance": "exp(log_std / 2) would be right for a logarithm "
    "of the variance.",
    "log variance read as log standard deviation": "The input is log v, and v is its "
    "exponential; the standard deviation is exp(log_var / 2).",
    "standard deviation in place of the variance": "The variance is due: the square.",
    "variance in place of the standard deviation": "The standard deviation is due: "
    "the root of the variance.",
    "standard deviation taken as a variance": "It is given as a standard deviation; "
    "its square is the variance.",
    "second moment in place of the variance": "The variance is the mean of the square "
    "minus the square of the mean.",
    "arguments of the KL swapped": "This is the divergence the other way around: the "
    "expectation is due under the first of the two.",
    "floor under the standard deviation": "A constant added to the deviation, or a "
    "clamp, keeps the distribution from becoming narrow.",
    "floor under the variance": "A constant added inside the logarithm or a clamp "
    "changes the value where the distribution is narrow.",
    "ceiling on the variance": "A clamp changes the value where the distribution is "
    "wide, and takes the gradient that would mend it.",
    "density in place of its logarithm": "The logarithm is due, in nats.",
    "negative log-likelihood returned": "A log-probability is due: the sign is that "
    "of a loss.",
    "negative bound": "The bound itself is due: the sign is that of a loss.",
    "logarithm of a saturated sigmoid": "In float32 a sigmoid is exactly 0 below "
    "about -100 and exactly 1 above about 17: its logarithm is infinite, or cut off "
    "by a clamp, and the gradient is lost where the model is most wrong.",
    "sigmoid applied twice": "A function with 'logits' in its name wants the logits, "
    "not their sigmoid.",
    "probabilities in place of logits": "Logits are due, any real numbers; these all "
    "lie between 0 and 1.",
    "nats in place of bits": "Bits are due: the logarithm to base 2.",
    "absolute error": "The squared error is due.",
    "square root taken": "The square itself is due, not its root.",
    "difference of large numbers": "Where the data lie far from 0, x² - 2xm + m² keeps "
    "no digits in float32: subtract first, then square.",
    "factor one half lost": "The exponent of a normal density is half a squared "
    "distance.",
}

# Of models that are trained to a threshold; `trained` and `reached` look for them.
TRAINING = {
    "training diverged": "A weight or a result is nan or infinite: a smaller learning "
    "rate, or gradients cut at a largest norm.",
    "untrained": "It is no better than a model that has learned nothing.",
    "not trained for long enough": "It has learned something, and is far from what a "
    "few lines can reach: train longer, or with a higher learning rate.",
    "not quite": "Near, but not at the threshold: a learning rate that falls to zero "
    "toward the end is often what is missing.",
    "depends on its place in the batch": "The same rows in another order must give "
    "the same results, in that order.",
    "statistics of the batch": "Each row must be judged by itself, in evaluation "
    "mode: no normalization over the batch.",
    "sum over the batch": "The mean over the batch is due: a sum grows with it, and "
    "with it the size of each step.",
}

# Of invertible layers; `layer` looks for them.
LAYERS = {
    "not inverted": "One way and back again must give what went in.",
    "log-determinant of the inverse": "It has the sign of the way back.",
    "determinant in place of its logarithm": "The logarithm is due: it adds up over "
    "layers and cannot overflow.",
    "log-determinant off": "Compare with torch.autograd.functional.jacobian.",
    "depends on what it must not see": "Change a masked input: the output must not "
    "move at all.",
}

# Of mixtures and classes, whose probabilities are weighted and added.
MIXTURES = {
    "weights left out": "Each component counts with its weight.",
    "weights added, not their logarithms": "Logarithms are added to logarithms: a "
    "weight, or a prior, needs its own first.",
    "component chosen for each dimension": "The component is chosen once for the "
    "whole point; mixing each dimension on its own loses what they have in common.",
    "underflow to zero": "A density far away, or a product of hundreds of factors, is "
    "0 as a float: its logarithm is lost, and a quotient of two such is 0/0. Only "
    "logarithms hold such numbers.",
    "widths left out of the responsibilities": "A wide component is a low one: the "
    "density has the factor 1/std.",
    "log-deviation enters otherwise": "The density has the factor 1/std, once: "
    "-log(std) in its logarithm.",
    "distance enters otherwise": "In the exponent stands -(x - m)²/2s²: the square of "
    "the distance in units of the component's deviation.",
    "weights counted otherwise": "log w is added to the log-density, once.",
    "deviations taken as logarithms": "stds are the deviations themselves.",
    "points given to their best component": "Responsibilities are shares, not a "
    "choice.",
    "another power of the shares": "Each component counts with its responsibility "
    "itself.",
    "normalized over the data": "Each point's responsibilities sum to one, over the "
    "components.",
    "responsibilities not normalized": "Those of a point sum to one, over the "
    "components.",
    "one shift for all examples": "Subtracting one number everywhere saves the "
    "likeliest example alone: the others still underflow.",
}

MISTAKES = {
    **GENERAL,
    **CALLER,
    **SUMS,
    **NUMBERS,
    **DRAWS,
    **SCALES,
    **TRAINING,
    **LAYERS,
    **MIXTURES,
}
