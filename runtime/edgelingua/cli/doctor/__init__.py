"""``edgelingua doctor``: what this machine has, what works on it, what to do where it does not."""
