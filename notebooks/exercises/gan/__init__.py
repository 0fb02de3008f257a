"""Versions of the exercises of the chapter on generative adversarial networks."""
