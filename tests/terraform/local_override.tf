# What the provider needs to speak to the local cloud instead of AWS. Terraform merges a file *_override.tf into the
# configuration beside it: copy terraform/ elsewhere, put this file into examples/complete there, and set AWS_ENDPOINT_URL and any credentials.

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 3
}
