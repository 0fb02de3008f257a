"""Versions of the exercises of the chapter on what a generative model is."""
