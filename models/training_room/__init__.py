"""The training room: a small recurrent network that learns before one's eyes, an update at a time."""
