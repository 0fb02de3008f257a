"""Exercises of the chapter that opens the course."""
