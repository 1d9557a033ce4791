"""The training room's page: controls, curves and gradients of a small network that learns while one watches."""
