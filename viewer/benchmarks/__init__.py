"""What `unrolled bench` measures of window and export."""
