"""edgelingua: prompt compression and capped-memory generation for language models on the device."""

from __future__ import annotations

__version__ = "0.1.0"
