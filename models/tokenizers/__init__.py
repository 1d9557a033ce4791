"""Words, characters and subwords as numbers and back."""
