"""The tests mirror the rooms of the package; `servers/` starts the real servers they talk to."""
