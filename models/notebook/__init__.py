"""What `import unrolled` offers to a notebook or a script."""
