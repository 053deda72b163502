"""The package as a library: what `import layer_pruning` offers, for a network of one's own."""
