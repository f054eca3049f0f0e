#!/bin/sh
# Locks what the image installs: requirements/*.in -> requirements/*.txt, with hashes, for every platform and
# Python of that Airflow, without the address of any index. Needs uv. Usage: worker_image/lock.sh [NAME...]
set -eu
cd "$(dirname "$0")/requirements"

if [ "$#" -eq 0 ]; then
    set -- $(ls *.in | sed 's/\.in$//')
fi
for name in "$@"; do
    overrides=
    case "$name" in
        airflow-2.*) overrides="--override left_out-2.txt" ;;
        airflow-3.[01].*) overrides="--override left_out-3.0.txt" ;;
        airflow-3.*) overrides="--override left_out-3.txt" ;;
    esac
    # Airflow 3.3 and its amazon provider need Python 3.11. A pre-release is taken only where one is named.
    uv pip compile --quiet --no-header --no-annotate --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --prerelease if-necessary-or-explicit $overrides \
        "$name.in" --output-file "$name.txt"
    echo "locked $name.txt: $(grep -c '==' "$name.txt") packages"
done
