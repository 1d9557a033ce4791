"""What is written: caption, candidates, reader, what is typed."""
