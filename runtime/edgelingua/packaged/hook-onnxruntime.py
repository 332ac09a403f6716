"""onnxruntime's libraries; its tools for converting models with PyTorch stay out.

In the place of the hook of PyInstaller's own collection, which does the former.
"""

from PyInstaller.utils.hooks import collect_dynamic_libs

binaries = collect_dynamic_libs("onnxruntime")
excludedimports = ["torch"]
