"""Exercises of the chapter on variational autoencoders."""
