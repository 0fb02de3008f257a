"""Exercises of the chapter on autoencoders."""
