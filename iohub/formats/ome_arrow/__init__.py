"""OME-Arrow on disk: rows of a struct in Parquet or Vortex; the functions are in `iohub.arrow`."""
