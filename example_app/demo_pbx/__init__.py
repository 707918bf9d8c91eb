"""A telephone exchange to look at: the memory exchange behind the signed webhook contract."""
