"""What the program does: runs, models, files, branches, comparisons; no widgets."""
