"""Commands of the sample."""
