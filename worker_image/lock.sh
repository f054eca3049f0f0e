#!/bin/sh
# Locks what the image installs: requirements/*.in -> requirements/*.txt, with hashes, for every platform and
# Python of that Airflow, without the address of any index. Needs uv. Usage: worker_image/lock.sh [NAME...]
set -eu
cd "$(dirname "$0")/requirements"

if [ "$#" -eq 0 ]; then
    set -- $(ls *.in | sed 's/\.in$//')
fi
for name in "$@"; do
    # Airflow 3.3 and its amazon provider need Python 3.11.
    set -- --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links
    case "$name" in
        airflow-3.*) set -- "$@" --override left_out-3.txt ;;
    esac
    uv pip compile --quiet --no-header --no-annotate "$@" "$name.in" --output-file "$name.txt"
    echo "locked $name.txt: $(grep -c '==' "$name.txt") packages"
done
