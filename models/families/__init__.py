"""What ships: a folder a family, with its network, stepper, adapter, training, evaluation and reference."""
