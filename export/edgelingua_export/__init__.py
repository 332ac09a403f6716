"""edgelingua-export: turn models into verified INT8 ONNX bundles.

Needs PyTorch; the runtime does not.
"""

from __future__ import annotations

import os

from edgelingua.models.registry import offline

if offline():
    # Read when huggingface_hub and transformers are imported, which comes later. Asking them for
    # local files only is not enough: some versions still ask the hub about a tokenizer.
    os.environ["HF_HUB_OFFLINE"] = "1"
