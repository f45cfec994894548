"""Other libraries, each trained in an environment of its own and measured by our code."""
