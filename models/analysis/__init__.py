"""What a text's properties are, and how well units follow them: pure NumPy, without Qt, torch or the session."""
