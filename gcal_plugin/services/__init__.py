"""One story a file. Services own their transactions, take ports and give back plain values."""
