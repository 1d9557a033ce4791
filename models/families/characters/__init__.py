"""Character language models: the alphabet, the network, its stepper."""
