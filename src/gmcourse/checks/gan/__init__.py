"""Exercises of the chapter on generative adversarial networks."""
