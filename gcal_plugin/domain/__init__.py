"""The rules of the product, pure: no I/O, no framework, no clock. See README.md beside this."""
