"""onnxruntime's libraries and licences; its tools for converting models with PyTorch stay out.

In the place of the hook of PyInstaller's own collection, which brings the libraries.
"""

from PyInstaller.utils.hooks import collect_data_files, collect_dynamic_libs

binaries = collect_dynamic_libs("onnxruntime")
datas = collect_data_files("onnxruntime", includes=["LICENSE", "ThirdPartyNotices.txt"])
excludedimports = ["torch"]
