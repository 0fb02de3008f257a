"""Exercises of the chapter on diffusion."""
