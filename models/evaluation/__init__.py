"""How good a model is: the task's own metrics, and whether its attention is worth looking at."""
