"""Chatbots of PyTorch's chatbot tutorial (M. Inkawhich): a GRU that reads both ways, Luong's attention, a GRU that answers."""
