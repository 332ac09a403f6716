#!/usr/bin/env bash
# Another Debian release's Python, for this machine or for 64-bit ARM, and packages for it:
#
#   foreign_python.sh ARCH RELEASE FOLDER REQUIREMENT...     makes FOLDER/bin/python
#
# Debian's packages are unpacked below FOLDER, with lists of apt's own there: nothing is installed,
# mounted or chrooted. PIP says which pip; ARM's programs run in QEMU, CPU model as in QEMU_CPU.
set -euo pipefail
arch=$1 release=$2 folder=$(realpath -m "$3")
pip=${PIP:-python3 -m pip}
root=$folder/root
mkdir -p "$folder/bin"

fetch() { # fetch ARCH RELEASE TO PACKAGE...: unpack packages and what they depend on
    local state=$folder/apt-$1-$2 to=$3
    local options=(-qq -o "Dir::State=$state" -o "Dir::State::lists=$state/lists"
        -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache"
        -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "APT::Architecture=$1" -o "APT::Architectures=$1" -o APT::Install-Recommends=0
        -o APT::Sandbox::User=root)
    mkdir -p "$state"/{lists/partial,cache/archives/partial} "$to"
    : >"$state/status"
    # The mirror that this machine uses.
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
    echo "deb [arch=$1 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $2 main" \
        >"$state/sources.list"
    apt-get "${options[@]}" update
    apt-get "${options[@]}" -y --download-only install "${@:4}" >/dev/null
    for package in "$state"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$to"
    done
    rm -r "$state"
}

if [ ! -x "$folder/bin/python" ]; then
    fetch "$arch" "$release" "$root" python3 libgomp1 libstdc++6
    for name in lib lib64; do # what base-files would do
        [ -e "$root/$name" ] || ln -s "usr/$name" "$root/$name"
    done
fi
python=$(echo "$root"/usr/bin/python3.[0-9]*)
version=${python##*/python}

case $arch in
arm64)
    machine=aarch64
    # QEMU before 8 shows the machine's own /proc/cpuinfo, which onnxruntime cannot stand.
    qemu=$folder/qemu/usr/bin/qemu-aarch64
    [ -x "$qemu" ] || fetch "$(dpkg --print-architecture)" bookworm-backports "$folder/qemu" qemu-user
    run=("$qemu" -L "$root" "$python")
    ;;
amd64)
    machine=x86_64
    run=("$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$python")
    ;;
*)
    echo "foreign_python.sh: ARCH is $arch; arm64 and amd64 are known" >&2
    exit 2
    ;;
esac

rm -rf "$folder/site"
tags=()
for tag in manylinux_2_34 manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do # pip infers no older ones
    tags+=(--platform "${tag}_$machine")
done
$pip install --quiet "${tags[@]}" --implementation cp --python-version "$version" \
    --abi "cp${version/./}" --abi abi3 --abi none --only-binary=:all: --target "$folder/site" \
    "${@:4}"

# A process that a test starts is started in the same way.
echo "import sys; sys.executable = '$folder/bin/python'" >"$folder/site/sitecustomize.py"
cat >"$folder/bin/python" <<END
#!/bin/sh
export PYTHONPATH="$folder/site\${PYTHONPATH:+:\$PYTHONPATH}"
exec ${run[*]@Q} "\$@"
END
chmod +x "$folder/bin/python"
