"""Versions of exercise ar-15."""


class Ar15:
    r"""TEXT"""
