"""Tell by its words whether the name of a class means healthy: ``HC``, ``no_tumour``, ``lesion-free``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["any_of", "looks_healthy", "plain", "sounds_benign", "words_of"]


def any_of(words: str) -> frozenset[str]:
    """Make a set of the words of a text."""
    return frozenset(words.split())


_HEALTHY = any_of(
    "healthy normal normals control controls ctrl ctrls ctl ctls ctr con cont hc hcs hv hs cn cu nc nl nor norm td tdc "
    "unaffected unimpaired neurotypical typically negative neg absent none no false "
    "kontrolle kontrollen gesund sain temoin sano sana controle controllo"
)
_BESIDE = any_of(
    "subject subjects group volunteer volunteers participant participants person persons people adult adults child "
    "children individual individuals older elderly elder young aging ageing aged cohort class dataset data sample "
    "samples scan scans image images brain brains lung lungs chest xray x ray cxr mri ct skin tissue retina eye fundus "
    "cognitively cognition cognitive neurologically developing development matched match age comparison study finding "
    "findings community"
)
_ILL = re.compile(
    r"(diseased?|lesion|tumou?r|cancer|carcinom|malign|patholog|finding|abnormal|ill$|illness|sick|affected|patient|case"
    r"s?$|pneumon|covid|infect|tubercul|dement|impair|stroke|infarct|haemorrh|hemorrh|bleed|fractur|retinopath|glaucom"
    r"|diabet|autis|depress|epilep|schizo|parkinson|alzheimer|disorder|diagnos|symptom|defect|nodule|mass(es)?$"
    r"|effusion|indication|glioma|melanom|o?edema|emphysem|metasta|aneurysm|polyp|scleros)|^(ms|ad|mci|asd|adhd|pd|dr|tb)$"
)
_AROUND = any_of(
    "any the of a an for acute evidence significant known visible history found detected present seen signs sign"
)
_NOT_BEFORE = frozenset({"no", "non", "not", "without", "never", "absence", "negative", "neg", "free"})
_NOT_AFTER = frozenset({"no", "absent", "free", "negative", "neg", "none", "false"})
_GLUED = ("non", "not", "no", "without")
_HEALTHY_DATASETS = re.compile(r"ixi|hcp|camcan")
_ZERO = re.compile(r"0+(\.0*)?")
_SHORT = {"n": "yp", "f": "t"}
"""Single letters that mean no, beside which letters they do."""


def plain(name: str) -> str:
    """Letters and digits only, in lower case: ``Field Strength`` -> ``fieldstrength``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def words_of(name: str) -> list[str]:
    """Words in lower case, parted at anything that is no letter, and where small letters are followed by a capital."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)", " ", name).lower()
    return re.findall(r"[a-z]+|\d+", parted.replace("w/o", "without"))


def looks_healthy(value: str, others: Iterable[str] = ()) -> bool:
    """Whether a class or dataset of this name probably holds healthy subjects.

    Parameters
    ----------
    value : str
    others : iterable of str
        The other classes: ``non-covid`` is healthy beside ``covid``, ``n`` beside ``y``.
    """
    if _ZERO.fullmatch(value.strip()) or _HEALTHY_DATASETS.match(plain(value)):
        return True
    beside = [plain(other) for other in others if other != value]
    if plain(value) in _SHORT:
        return any(other and other in _SHORT[plain(value)] for other in beside)
    words = words_of(value)
    denied = _denied(words)
    if denied:
        return any(_is_illness(each, beside) for each in denied)
    named = [word for word in words if word not in _BESIDE and not word.isdigit()]
    return bool(named) and all(word in _HEALTHY for word in named)


def sounds_benign(value: str) -> bool:
    """Whether it is a benign finding: the class that counts as healthy where no healthier one is there."""
    return words_of(value)[:1] == ["benign"]


def _denied(words: Sequence[str]) -> list[list[str]]:
    """List what the words may deny: ``no tumour``, ``tumour absent``, ``notumour`` -> ``tumour``; empty if nothing."""
    if len(words) > 1 and words[0] in _NOT_BEFORE:
        return [list(words[1:])]
    if len(words) > 1 and words[-1] in _NOT_AFTER:
        return [list(words[:-1])]
    if len(words) != 1 or words[0] in _HEALTHY:
        return []
    rests = (words[0].removeprefix(prefix) for prefix in _GLUED if words[0].startswith(prefix))
    return [[rest] for rest in rests if len(rest) > 1]


def _is_illness(words: Sequence[str], beside: Sequence[str]) -> bool:
    """Whether what is denied is an illness, by its own words or because another class is called so."""
    name = "".join(words)
    if looks_healthy(" ".join(words)):
        return False  # not normal
    if len(name) > 1 and any(name in other for other in beside):
        return True
    known = (_ILL.match(word) or word in _AROUND | _BESIDE or word.isdigit() for word in words)
    return any(map(_ILL.match, words)) and all(known)
