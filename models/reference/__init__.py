"""Every model computed a second time, independently: torch's own modules and functions, in double precision, from the weights.

Nothing here may import what it checks (`cells`, `stepping`, the families): only names of weights and channels are shared.
"""
