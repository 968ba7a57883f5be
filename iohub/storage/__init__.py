"""Where bytes live: stores, documents, locks, arrays and engines. It knows no OME."""
