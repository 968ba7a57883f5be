"""Levels of lower resolution: which there are, how pixels become fewer, and making them all."""
