"""What is painted into exported pictures: a scene a kind of input."""
