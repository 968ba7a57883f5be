"""What OME-Zarr's JSON says: frozen documents, their rules, edits, and a spelling per version.

Pure: nothing here reads or writes a store.
"""
