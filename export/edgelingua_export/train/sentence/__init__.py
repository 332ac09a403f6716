"""Sentence encoders: a sentence's vector out of a window that has the sentences around it."""
