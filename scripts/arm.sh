#!/usr/bin/env bash
# Tests the kernels by themselves on every instruction set: those of ARM processors, cross-compiled and run under emulation, and those
# that this processor has.
#
#   scripts/arm.sh [--install] [--native-only] [--blas] [--gcc]
#
# --install      installs what is missing with apt-get: Debian's cross compiler g++-aarch64-linux-gnu, whose C and C++ libraries are linked,
#                and qemu-user
# --native-only  this processor's instruction sets alone
# --blas         also the code beside Accelerate (Sources/CKernels/blas.inl), with this machine's BLAS in its place (libblas-dev)
# --gcc          also ARM's kernels as Debian's cross compiler makes them
#
# The compiler is Swift's clang, which builds the package, or a clang++ that CXX names. On an ARM machine nothing is emulated. Emulation shows that results
# are right and that a processor without an instruction is not given it; it says nothing about speed. Objects are kept in .build-arm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

native_only="" blas="" install="" gcc=""
while [ $# -gt 0 ]; do
    case "$1" in
        --native-only) native_only=1 ;;
        --blas) blas=1 ;;
        --gcc) gcc=1 ;;
        --install) install=1 ;;
        --help | -h) sed -n '2,15s/^# \{0,1\}//p' "$0" && exit ;;
        *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2 && exit 64 ;;
    esac
    shift
done
fail() { echo "arm: $*" >&2 && exit 1; }

machine=$(uname -m)
case "$machine" in
    x86_64) ;;
    aarch64 | arm64) native_only=1 machine=aarch64 ;;
    *) fail "the kernels have no instruction set of $machine" ;;
esac
missing=()
if [ -z "$native_only" ]; then
    command -v aarch64-linux-gnu-g++ >/dev/null || missing+=(g++-aarch64-linux-gnu)
    command -v qemu-aarch64 >/dev/null || missing+=(qemu-user)
fi
if [ ${#missing[@]} -gt 0 ]; then
    [ -n "$install" ] || fail "needs ${missing[*]}: run scripts/arm.sh --install, or sudo apt-get install ${missing[*]}"
    sudo=""
    if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
    $sudo apt-get update -qq && $sudo apt-get install -y -qq "${missing[@]}" >/dev/null || fail "apt-get cannot install ${missing[*]}"
fi
compiler=${CXX:-}
if [ -z "$compiler" ]; then
    swiftc=$(command -v swiftc || true)
    if [ -n "$swiftc" ]; then compiler=$(dirname "$(readlink -f "$swiftc")")/clang++; fi
    if [ ! -x "$compiler" ]; then compiler=$(command -v clang++ || true); fi
    [ -n "$compiler" ] || fail "no clang++ found; install Swift or clang, or set CXX"
fi

# build NAME ARCHITECTURE [FLAG…]: the test program .build-arm/NAME/kernels_test, from what has changed.
build() {
    local folder=.build-arm/$1 with=("$compiler") flags=("${@:3}") source object objects=() jobs=() language own
    if [ "$1" = gcc ]; then
        # It does not know clang's pragmas: a file's instructions are named here. Its warnings are of vectors and bounds that cannot be.
        with=(aarch64-linux-gnu-g++) flags+=(-w)
    elif [ "$2" != "$machine" ]; then
        with+=(--target="$2-linux-gnu")
    fi
    mkdir -p "$folder"
    local common=(-O2 -Wall -Wextra -Werror -Wno-missing-field-initializers -MMD -ISources/CKernels/include
        -ISources/CTrainingKernels/include -ISources/CTrainingKernels -ISources/CKernels -ISources/CSHA256/include)
    if [ "$1" != gcc ]; then common+=(-Wno-missing-designated-field-initializers); fi
    for source in Sources/CKernels/*.cpp Sources/CTrainingKernels/*.cpp Sources/CSHA256/sha256.c Tests/kernels/*.cpp; do
        object=$folder/$(basename "$(dirname "$source")")_$(basename "${source%.*}").o
        objects+=("$object")
        # Up to date where no file that it was made of is newer.
        if [ -e "$object" ] && [ -e "${object%.o}.d" ] && [ -z "$(sed 's/^[^:]*://; s/\\$//' "${object%.o}.d" | xargs -n 200 sh -c 'find "$@" -newer "$0" 2>&1' "$object")" ]; then
            continue
        fi
        language=(-x c++ -std=c++20)
        if [[ "$source" == *.c ]]; then language=(-x c -std=c17); fi
        own=""
        if [ "$1" = gcc ]; then
            case "$source" in
                *neon_dotprod*) own=-march=armv8.2-a+dotprod ;;
                *neon_i8mm*) own=-march=armv8.2-a+dotprod+i8mm ;;
                *neon_bf16*) own=-march=armv8.2-a+dotprod+i8mm+bf16 ;;
            esac
        fi
        jobs+=("${with[*]} ${language[*]} ${common[*]} ${flags[*]} $own -c '$source' -o '$object'")
    done
    if [ ${#jobs[@]} -gt 0 ]; then
        printf '%s\0' "${jobs[@]}" | xargs -0 -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh -c 'eval "$0" || exit 255' ||
            fail "the kernels do not compile for $2"
    fi
    local libraries=(-lpthread)
    if [ "$1" = blas ]; then libraries+=(-lblas); fi
    if [ "$(uname)" = Darwin ]; then libraries=(-framework Accelerate); fi
    "${with[@]}" "${objects[@]}" "${libraries[@]}" -o "$folder/kernels_test" || fail "the test program does not link for $2"
}
failed=0
# test_level NAME LEVEL EXPECTED [COMMAND…]: runs the program, with LEVEL where it is not -, which must choose EXPECTED.
test_level() {
    local program=.build-arm/$1/kernels_test choice=()
    if [ "$2" != - ]; then choice=(DISTILL_CPU_CAPABILITY="$2"); fi
    env -u DISTILL_CPU_CAPABILITY "${choice[@]}" "${@:4}" "$program" Tests/kernels/Fixtures Tests/TransformersTests/Fixtures "$3" |
        tee ".build-arm/$1/last.log" || failed=1
}
# On ARM int8 sums are exact and everything after them is alike: all levels give the same bits.
int8_bits=""
same_int8() {
    local bits
    bits=$(sed -n 's/.*have the bits //p' ".build-arm/$1/last.log")
    if [ -z "$bits" ] || [ "${int8_bits:=$bits}" != "$bits" ]; then
        echo "arm: int8 layers have the bits ${bits:-none}, and had $int8_bits" >&2
        failed=1
    fi
}

build native "$machine"
if [ "$(uname)" = Darwin ]; then features=$(sysctl hw.optional.arm); else features=$(cat /proc/cpuinfo); fi
has() { grep -qwi -e "$1" -e "hw.optional.arm.$2: 1" <<<"$features"; }
levels=()
if [ "$machine" = x86_64 ]; then
    for level in amx_bf16 avx512_bf16; do if has $level none; then levels+=("$level"); fi; done
    if has avx512bw none; then levels+=(avx512); fi
    if has avx2 none; then levels+=(avx2); fi
else
    if has bf16 FEAT_BF16 && has i8mm FEAT_I8MM; then levels+=(neon_bf16); fi
    if has i8mm FEAT_I8MM; then levels+=(neon_i8mm); fi
    if has asimddp FEAT_DotProd; then levels+=(neon_dotprod); fi
    levels+=(neon)
fi
echo "This processor:"
test_level native - "${levels[0]:-default}"
for level in "${levels[@]}" default; do
    test_level native "$level" "$level"
    if [ "$machine" = aarch64 ]; then same_int8 native; fi
done

if [ -n "$blas" ]; then
    echo "The kernels for any processor, with the system's BLAS:"
    build blas "$machine" -DCT_BLAS=1 -DCT_BLAS_ALWAYS=1
    test_level blas default default
fi

if [ -z "$native_only" ]; then
    build aarch64 aarch64
    emulate() {
        test_level aarch64 "$1" "$2" qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu "$3"
        same_int8 aarch64
    }
    for level in neon_bf16 neon_i8mm neon_dotprod neon default; do
        echo "Emulated, with every instruction:"
        emulate $level $level max
    done
    # Processors that lack some: an instruction that they have not ends the program.
    while read -r processor level; do
        echo "Emulated $processor:"
        emulate - "$level" "$processor"
    done <<<"cortex-a53 neon
cortex-a72 neon
cortex-a76 neon_dotprod
neoverse-n1 neon_dotprod
max neon_bf16"
    if [ -n "$gcc" ]; then
        build gcc aarch64
        for level in neon_bf16 neon_i8mm neon_dotprod neon default; do
            echo "Emulated, compiled by g++:"
            test_level gcc $level $level qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu max
            same_int8 gcc
        done
    fi
    # A level that a processor lacks is an error that says so.
    for wanted in neon_i8mm avx2; do
        message=$(DISTILL_CPU_CAPABILITY=$wanted qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu neoverse-n1 .build-arm/aarch64/kernels_test \
            Tests/kernels/Fixtures Tests/TransformersTests/Fixtures $wanted 2>&1) && status=0 || status=$?
        if [ "$status" != 78 ] || [[ "$message" != *"\"$wanted\", which this processor does not have; it has neon_dotprod, neon, default"* ]]; then
            echo "arm: $wanted on a Neoverse N1: exit status $status, $message" >&2
            failed=1
        fi
    done
fi
if [ $failed != 0 ]; then fail "some failed"; fi
