#!/usr/bin/env bash
# Validate a copy of terraform/, so that the work tree stays as it is. TERRAFORM names another program.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TF_CLI_CONFIG_FILE="$scratch/terraform.rc"
.venv/bin/python tests/terraform/provider_mirror.py "$TF_CLI_CONFIG_FILE" > "$scratch/mirror.log"
tar -c --exclude=.terraform --exclude='*.tfstate*' --exclude='*.auto.tfvars.json' terraform | tar -x -C "$scratch"
cd "$scratch/terraform"
"${TERRAFORM:-terraform}" init -backend=false -input=false -no-color
"${TERRAFORM:-terraform}" validate -no-color
