"""Repairs of metadata by what is on disk; pixels are never touched."""
