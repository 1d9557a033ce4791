"""Transformers as Hugging Face's library has them: language models, translators, captioners, opened from a folder or the hub."""
