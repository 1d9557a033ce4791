"""Traces of many documents in a folder or a bucket, in Zarr v3: layout, writing, reading, pyramid, checksums. No torch, no Qt."""
