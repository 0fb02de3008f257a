"""Exercises of the chapter on autoregressive models."""
