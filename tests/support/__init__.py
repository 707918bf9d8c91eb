"""What tests of several rooms share: a small portal, a runtime on real servers."""
