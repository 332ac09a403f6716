"""A KV cache that never exceeds its cap."""
