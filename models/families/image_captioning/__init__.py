"""Captioners of *ImageCaptioning.pytorch* (R. Luo): att2in2 (Rennie et al. 2017) and updown (Anderson et al. 2018)."""
