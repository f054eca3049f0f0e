variable "length" {
  type        = number
  description = "Number of letters and digits."

  validation {
    condition     = var.length >= 16 && var.length <= 4096 && floor(var.length) == var.length
    error_message = "length must be an integer between 16 and 4096, got ${var.length}."
  }
}
