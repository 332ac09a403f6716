"""A window: open a document, ask, and see which of its words a small model was given."""
