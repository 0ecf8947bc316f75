"""From protocol to evidence: plan, jobs, store, dispatch."""
