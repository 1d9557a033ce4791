"""What `python -m unrolled.models` does; `unrolled train`, `evaluate` and `bench` call it in a process of its own."""
