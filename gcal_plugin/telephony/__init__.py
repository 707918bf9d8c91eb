"""The exchanges: one file per platform, a registry that binds their names."""
