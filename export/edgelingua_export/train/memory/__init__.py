"""Memories: a document as a few cells of a frozen reader's cache, written by a trained pass."""
