"""The verdict: the rules that turn the findings of one arm and one origin factor into one word.

Findings flag whose `Finding.flag` says that they may, with Holm's correction over all of them. How much is flagged
decides between MIXED and ORIGIN; PATHOLOGY is an equivalence claim and never the absence of a flag; anything else is
UNDETERMINED with its reason (DESIGN.md section 6).
"""

from biasaudit.verdict.case import Design
from biasaudit.verdict.rules import decide, decide_contrasts, flags, headline, p_values

__all__ = ["Design", "decide", "decide_contrasts", "flags", "headline", "p_values"]
