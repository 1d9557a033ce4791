"""Taking steps: the face of every model, choosing words, beam search."""
