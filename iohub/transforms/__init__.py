"""Coordinate maths on NumPy: points, composition, inverses, and graphs of coordinate systems."""
