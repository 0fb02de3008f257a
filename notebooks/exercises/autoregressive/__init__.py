"""Versions of the exercises of the chapter on autoregressive models."""
