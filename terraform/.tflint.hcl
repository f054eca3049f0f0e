# In terraform/: `tflint --init`, then `tflint --recursive --config="$PWD/.tflint.hcl"`.

config {
  call_module_type = "local"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}

plugin "aws" {
  enabled = true
  version = "0.48.0"
  source  = "github.com/terraform-linters/tflint-ruleset-aws"
}

# Files are cut by concern; a main.tf in every module would hold whatever is left over.
rule "terraform_standard_module_structure" {
  enabled = false
}
