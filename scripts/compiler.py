"""Stop before pip does, where llama-cpp-python would be compiled and nothing can compile it.

    python scripts/compiler.py [FOLDER_OF_WHEELS]

pip says it only behind several screens of CMake's. Run it with the Python that is to have it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from llama_release import requirement

COMPILERS = ("c++", "g++", "clang++", "cl")
VSWHERE = r"Microsoft Visual Studio\Installer\vswhere.exe"
TOOLS = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
ADVICE = """\
llama-cpp-python, which answers from the compressed prompt, is compiled when it is installed. That
needs a C++ compiler, and none is here. Install one and run this again; compiling takes four to ten
minutes on two cores, once:

    Debian, Ubuntu, Raspberry Pi OS   sudo apt install g++
    Fedora                            sudo dnf install gcc-c++
    macOS                             xcode-select --install
    Windows                           "Desktop development with C++" of Visual Studio's Build Tools

Without a compiler: put a wheel of it into dist/ (docs/builds.md says where from), or install
edgelingua without the [llama] extra; compressing does not need it."""


def main() -> None:
    """Exit with 1 and advice where it would have to be compiled and cannot be."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    if not (find_spec("llama_cpp") or has_compiler() or pip_finds_a_wheel(folder)):
        sys.exit(ADVICE)


def has_compiler() -> bool:
    """Whether something that compiles C++ is here, and runs."""
    chosen = os.environ.get("CXX", "").split()[:1]
    return any(runs(name) for name in (*chosen, *COMPILERS)) or has_visual_studio()


def runs(name: str) -> bool:
    """Whether a compiler says its version: a bare macOS has a ``c++`` that does not."""
    path = shutil.which(name)
    return path is not None and (
        subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0
    )


def has_visual_studio() -> bool:
    """Whether CMake would find Visual Studio's compiler, which lies on no path."""
    program = Path(os.environ.get("PROGRAMFILES(X86)", "")) / VSWHERE
    if sys.platform != "win32" or not program.is_file():
        return False
    command = [program, "-products", "*", "-requires", TOOLS, "-property", "installationPath"]
    return bool(subprocess.run(command, capture_output=True, check=False).stdout.strip())


def pip_finds_a_wheel(folder: Path) -> bool:
    """Whether pip would install it without compiling: from the folder, or an index it is set to."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--no-deps", "--only-binary", ":all:", "--find-links", str(folder), requirement()]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()
