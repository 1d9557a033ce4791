"""What the window shows, apart from how: plain Python with signals, without Qt, so that it is tested without a screen."""
