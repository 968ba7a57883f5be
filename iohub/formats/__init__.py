"""One file per format: how to recognise it, and how to show it as a group."""
