"""Why a step came out as it did: equations with numbers, gradients, occlusion, and the model's own word for it."""
