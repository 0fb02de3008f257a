"""Versions of exercise gm-14."""


class Gm14:
    """There is no single answer; these are the questions to put to one.

    - *Does the number look at what the use needs?* To augment data, coverage: a model
      that draws one patient perfectly has precision 1 and is useless. To flag
      anomalies, the order of likelihoods between normal and abnormal cases, which no
      likelihood of normal cases alone can show.
    - *Does it have a floor?* The score of fresh real data, in the same features, with
      as many examples. Without it a number cannot be called good or bad.
    - *Would a copy pass?* If the training set itself, handed in as draws, scores
      well, compare distances from draws to the nearest training example with
      those from held-out examples.
    - *Would a mixture with noise pass?* Likelihood lets 99 % of it pass; a picture of
      twenty samples does not.
    - *Does an average hide a group?* Compute the number for each class, site or
      decade, and look at the worst.
    """
