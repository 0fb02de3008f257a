"""Exercises of the chapter on normalizing flows."""
