"""Why a word: gradients, occlusion, contributions."""
