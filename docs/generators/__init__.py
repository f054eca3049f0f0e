"""The pages that are written by a program, and how the site takes in the repository's other pages."""
