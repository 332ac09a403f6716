"""The command ``edgelingua``."""
