"""The validator: everything that is wrong in a store of OME-Zarr, with the rule and the remedy."""
