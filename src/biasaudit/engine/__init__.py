"""Run an audit: plan its jobs from the protocol, compute them, and write the results."""
