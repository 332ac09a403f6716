"""``edgelingua bench``: what compressing and reading cost on this device, as a card."""
