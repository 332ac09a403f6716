"""One number for all weights of a model, whatever file they came from."""

from __future__ import annotations

import hashlib

import torch


def weights_sha256(model: torch.nn.Module) -> str:
    """SHA-256 over name, type, shape and bytes of every tensor of a model, by name.

    Weights that were made up (a classifier's head) are among them: two bundles with the same hash
    were made from the same numbers.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
