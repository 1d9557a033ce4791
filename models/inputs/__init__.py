"""What models read: pictures, texts, clips; decoded alike in both processes."""
