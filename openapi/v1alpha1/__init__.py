"""The kinds of group tilt.dev/v1alpha1, wire-compatible with Tilt's, one file a kind."""
