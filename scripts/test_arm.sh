#!/usr/bin/env bash
# edgelingua on emulated 64-bit ARM, beside x86-64 under the same Python:
#
#   test_arm.sh WHEEL [quick | whole | llama]
#
# The tests are those of what differs from CPU to CPU: tokenizers, numpy, onnxruntime, files and
# processes. Left to x86 are the long ones, those that score long texts, the rules of selection, and
# those that fork, are killed or start programs, such as the command line and servers: a program takes
# 17 s here. quick leaves out edgelingua-mini and most of the others; llama lets the reader answer,
# with llama-cpp-python's wheel for aarch64 from where PIP_FIND_LINKS says, and does nothing else.
# A Raspberry Pi Zero 2 W and a 3 have a Cortex-A53, a 5 has a Cortex-A76 (with dot products, so
# that onnxruntime takes other kernels). What came of each of the two is in build/arm/CPU.log.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(realpath "$1") part=${2:-whole}
folder=$PWD/build/arm
question="Which city had a devastating fire?"
mkdir -p "$folder"

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

edgelingua() { # edgelingua ARCH COMMAND OPTION...
    "$folder/$1/bin/python" -m edgelingua "$2" "$folder/document.txt" --question "$question" \
        --tokens 100 --threads 1 "${@:3}"
}

answers() {
    edgelingua arm64 run --cap 256 --max-tokens 16 | tee /dev/stderr | grep -Eq "Boston|Chicago" # both burned, says the text
    say "the reader answers"
}

compresses() { # compresses TEST...
    edgelingua arm64 compress --model edgelingua-nano | cmp - "$folder/amd64.txt"
    say "edgelingua-nano keeps what it keeps on x86-64"
    # Of the bundles of a clone, the wheel has two; x86-64 imports every module.
    "$folder/arm64/bin/python" -m pytest --light -q -m "not slow and not long" -p no:cacheprovider \
        -k "not edgelingua-multi and not edgelingua-sentence and not every_module" "$@"
    say "tests passed"
    "$folder/arm64/bin/python" -m edgelingua models verify edgelingua-nano
    say "edgelingua-nano is verified"
    [ "$part" = whole ] || return 0
    # Not to the letter: nor do two x86 CPUs agree.
    edgelingua arm64 compress --model edgelingua-mini | grep -q Boston
    say "edgelingua-mini finds the place"
    "$folder/arm64/bin/python" -m edgelingua models verify edgelingua-mini
    say "edgelingua-mini is verified"
}

head -c 3000 examples/data/grant-1872.txt >"$folder/document.txt"
if [ "$part" = llama ]; then
    scripts/foreign_python.sh arm64 trixie "$folder/arm64" "edgelingua[cli,llama] @ file://$wheel"
    mine=(answers) other=(answers)
else
    for arch in arm64 amd64; do
        scripts/foreign_python.sh $arch trixie "$folder/$arch" "edgelingua[test] @ file://$wheel" pip
    done
    edgelingua amd64 compress --model edgelingua-nano >"$folder/amd64.txt"
    grep -q Boston "$folder/amd64.txt"
    tests=(tests/text/test_*.py tests/scorers/test_scorers.py)
    # The longest first, as one CPU takes every second file, the other the rest (Python's part is the
    # same on both), and the slower one the shorter of each two.
    [ "$part" = quick ] || tests=(tests/scorers/test_scorers.py tests/text/test_structure.py \
        tests/bundle/test_{hostile,bundle}.py tests/scorers/test_{heads,conformance,encoder}.py \
        tests/selection/test_worth.py tests/text/test_[!s]*.py tests/files/test_atomic.py \
        tests/system/test_{bounded,cores,energy}.py)
    mine=(compresses) other=(compresses)
    for i in "${!tests[@]}"; do
        if ((i % 2)); then mine+=("${tests[i]}"); else other+=("${tests[i]}"); fi
    done
fi
say "unpacked"

QEMU_CPU=cortex-a53 "${mine[@]}" >"$folder/cortex-a53.log" 2>&1 &
first=$!
QEMU_CPU=cortex-a76 "${other[@]}" >"$folder/cortex-a76.log" 2>&1 &
second=$!
status=0
wait "$first" || status=$?
wait "$second" || status=$?
tail -n 40 "$folder"/cortex-*.log
say "done"
exit "$status"
