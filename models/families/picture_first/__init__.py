"""Captioners of *pytorch-tutorial* (Y. Choi): the picture's vector is what the first step reads (Vinyals et al. 2015)."""
