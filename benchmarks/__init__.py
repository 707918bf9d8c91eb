"""Our figures beside the peers', measured in the same run: `python -m benchmarks NAME`."""
