"""Statistics of the audit: arrays in, numbers out; a statistic is one function, its test another.

Nothing here imports torch, pandas or another part of biasaudit, and every random draw comes from a
`numpy.random.Generator` that the caller hands in.
"""
