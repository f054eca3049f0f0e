#!/bin/sh
# Locks what the images install: requirements/*.in -> requirements/*.txt, with hashes, for every platform and Python
# of that Airflow, without the address of any index; then asks the index whether each platform has a wheel of
# everything. Needs uv. Usage: worker_image/lock.sh [--check] [NAME...]; with --check nothing is written.
# The control image's locks keep the versions of the worker's, which are locked first.
set -eu
cd "$(dirname "$0")/requirements"

write=yes
if [ "${1:-}" = --check ]; then
    write=no
    shift
fi
if [ "$#" -eq 0 ]; then
    set -- $(ls *.in | sed 's/\.in$//' | sort -r)
fi

lock() {
    options=
    case "$1" in
        worker-2.*) options="--override left_out-2.txt" ;;
        worker-3.[01].*) options="--override left_out-3.0.txt" ;;
        worker-3.2.*) options="--override left_out-3.2.txt" ;;
        worker-3.*) options="--override left_out-3.txt" ;;
        control-*) options="--constraint worker-${1#control-}.txt" ;;
    esac
    # Airflow 3.3 and its amazon provider need Python 3.11. A pre-release is taken only where one is named.
    uv pip compile --quiet --no-header --no-annotate --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --prerelease if-necessary-or-explicit $options \
        "$1.in" --output-file "$1.txt"
}

# Debian 12, on which the official image stands, takes wheels for glibc 2.36 and older.
check() {
    newest=3.13
    case "$1" in
        worker-2.* | worker-3.0.*) newest=3.12 ;;
    esac
    for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28; do
        for python in 3.11 3.12 $newest; do
            uv pip install --quiet --dry-run --target "${TMPDIR:-/tmp}/worker-image-lock" --python-platform "$platform" \
                --python-version "$python" --only-binary :all: --no-deps --require-hashes -r "$1.txt" ||
                { echo "$1.txt cannot be installed on $platform with Python $python" >&2; exit 1; }
        done
    done
}

for name in "$@"; do
    if [ "$write" = yes ]; then
        lock "$name"
    fi
    check "$name"
    echo "$name.txt: $(grep -c '==' "$name.txt") packages, with wheels for amd64 and arm64"
done
