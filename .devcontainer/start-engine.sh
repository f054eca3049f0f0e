#!/bin/bash
# Starts the container engine of the dev container, then what it is given.
set -eu
if ! docker version > /dev/null 2>&1; then
  dockerd > /var/log/dockerd.log 2>&1 &
  for _ in $(seq 60); do
    docker version > /dev/null 2>&1 && break
    sleep 1
  done
  docker version > /dev/null || { tail /var/log/dockerd.log >&2; exit 1; }
fi
exec "$@"
