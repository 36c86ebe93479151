#!/usr/bin/env bash
# Runs the OpenCL device on PoCL: every call of the table, the models and the four training steps. Needs a Debian trixie root with pocl-opencl-icd
# and this repository beside the goldens; the root is used in a mount namespace of its own, which ends with the script.
# usage: tools/opencl-check.sh [ROOT] [RESULT]   (defaults: ~/.cache/kerneltune/peers, bench/results/opencl-pocl.txt)
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:-$HOME/.cache/kerneltune/peers}
result=${2:-bench/results/opencl-pocl.txt}
goldens=${KERNELTUNE_GOLDENS:-$(cd ../shared/goldens && pwd)}
[ -e "$root/etc/OpenCL/vendors/pocl.icd" ] || { echo "$root: no PoCL here" >&2; exit 2; }
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")

inside() {
    unshare -m bash -c '
        set -e
        root=$1 dotnet=$2 repository=$3 goldens=$4; shift 4
        mkdir -p "$root/mnt/dotnet" "$root/mnt/repository" "$root/mnt/goldens"
        mount --bind "$dotnet" "$root/mnt/dotnet"
        mount --bind "$repository" "$root/mnt/repository"
        mount --bind "$goldens" "$root/mnt/goldens"
        for m in proc sys dev; do mountpoint -q "$root/$m" || mount --bind "/$m" "$root/$m"; done
        exec chroot "$root" env HOME=/tmp DOTNET_ROOT=/mnt/dotnet DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 KERNELTUNE_GOLDENS=/mnt/goldens "$@"' \
        inside "$root" "$dotnet" "$PWD" "$goldens" "$@"
}

dotnet build -c Release --verbosity quiet src/KernelTune.Cli >/dev/null
dotnet build -c Release --verbosity quiet tools/KernelTune.Conformance >/dev/null
dotnet build -c Release --verbosity quiet tests/KernelTune.Devices.Gpu.Tests >/dev/null
here=/mnt/repository
status=0
{
    echo "# tools/opencl-check.sh, $(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD)$(git diff --quiet HEAD -- src kernels tests tools || echo ' and changes')"
    echo "# PoCL $(chroot "$root" dpkg-query -W -f='${Version}' pocl-opencl-icd); $(inside /mnt/dotnet/dotnet $here/src/KernelTune.Cli/bin/Release/net10.0/kerneltune.dll doctor --quick | sed -n 's/^device  *opencl  *//p')"
    echo
    inside /mnt/dotnet/dotnet $here/tools/KernelTune.Conformance/bin/Release/net10.0/KernelTune.Conformance.dll /mnt/goldens --device opencl \
        --filter '^(models/(llama|gpt2|resnet_basic)|adapters/llama__lora_qv)$' || status=1
    echo
    inside /mnt/dotnet/dotnet vstest $here/tests/KernelTune.Devices.Gpu.Tests/bin/Release/net10.0/KernelTune.Devices.Gpu.Tests.dll \
        --TestCaseFilter:'FullyQualifiedName~opencl' '--logger:console;verbosity=normal' > "$root/tmp/kerneltune-tests.txt" || status=1
    grep -E '^ +Failed|^worst' "$root/tmp/kerneltune-tests.txt" || true
    grep -E '^(Total tests|  *Passed:|  *Failed:|  *Skipped:)' "$root/tmp/kerneltune-tests.txt" | tr -s ' ' | paste -sd';'
} | tee "$result"
exit $status
