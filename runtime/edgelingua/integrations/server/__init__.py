"""An OpenAI-compatible server whose reader never overflows; needs the ``server`` extra."""
