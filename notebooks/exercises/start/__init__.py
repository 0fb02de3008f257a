"""Versions of the exercises of the chapter that opens the course."""
