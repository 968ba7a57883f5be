"""What a user holds: one handle, one document, verbs."""
