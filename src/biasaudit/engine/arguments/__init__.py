"""Define the arguments of every step in one frozen record each, and the roles of the results that it reads.

Records only, so that planning imports no torch.
"""
