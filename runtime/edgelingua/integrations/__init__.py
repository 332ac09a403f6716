"""Where other programs meet edgelingua."""
