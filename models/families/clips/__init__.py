"""Video classification with a recurrent network over the frames: a label at every step, or one at the end."""
