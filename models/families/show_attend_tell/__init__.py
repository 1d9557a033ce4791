"""Captioners of *a PyTorch Tutorial to Image Captioning* (S. Vinodababu): Show, Attend and Tell with a gate on the context."""
