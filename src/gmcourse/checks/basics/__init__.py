"""Exercises of the chapter on what a generative model is."""
