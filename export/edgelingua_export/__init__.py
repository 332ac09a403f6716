"""edgelingua-export: turn models into verified INT8 ONNX bundles.

Needs PyTorch; the runtime does not.
"""
