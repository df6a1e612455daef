"""Keep what a run looks like now in a file, and look at such a file."""
