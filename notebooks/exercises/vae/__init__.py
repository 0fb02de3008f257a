"""Versions of the exercises of the chapter on variational autoencoders."""
