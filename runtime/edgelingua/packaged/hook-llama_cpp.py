"""llama.cpp's libraries, which llama_cpp opens by their path; converters and clients stay out."""

from PyInstaller.utils.hooks import collect_dynamic_libs, copy_metadata

binaries = collect_dynamic_libs("llama_cpp")
datas = copy_metadata("llama_cpp_python")  # its version and licence
excludedimports = ["huggingface_hub", "openai", "torch", "transformers"]
