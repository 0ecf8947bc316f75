"""What the result of every step depends on: one frozen record per step, and the roles of what it reads.

Records only, so that planning imports no torch.
"""
