"""What was recorded, and what a model says of itself: the nouns that models and window share.

The window imports this package, so nothing in here may import torch.
"""

from unrolled.models.trace.channel import Channel
from unrolled.models.trace.description import ModelDescription, ModelListing
from unrolled.models.trace.provenance import FRAME_CONVENTION, READ_CONVENTION, STEP_CONVENTION, Agreement, Provenance
from unrolled.models.trace.steps import Candidate, FloatArray, IntArray, StepBlock, StepResult
from unrolled.models.trace.trace import Trace

__all__ = ["FRAME_CONVENTION", "READ_CONVENTION", "STEP_CONVENTION", "Agreement", "Candidate", "Channel", "FloatArray",
           "IntArray", "ModelDescription", "ModelListing", "Provenance", "StepBlock", "StepResult", "Trace"]
