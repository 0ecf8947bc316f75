"""A small run folder as the engine writes it, made without the engine."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

NASTY = "sub-<script>alert(1)</script>"
SITES = {
    "aliased": {"healthy": ["ixi-guys"], "ms": ["ofsep-lyon"]},
    "nested": {"healthy": ["ixi-guys", "ixi-hh", "ixi-iop"], "ms": ["ofsep-lyon", "ofsep-nancy"]},
    "crossed": {"healthy": ["site-a", "site-b"], "ms": ["site-a", "site-b"]},
}
CHECKS = {
    "D1": ("Identifiability", "Can this design separate class and origin?", "design"),
    "A1": ("Origin within class", "Can the same network tell origins apart inside one class?", "available"),
    "A2": ("Reduced inputs", "Can the label be read from inputs without the marked pathology?", "available"),
    "U1": ("Scores", "Do held-out scores depend on the origin given the label?", "used"),
    "U4": ("Erasure", "How much of the class gap remains after the pathology is erased?", "used"),
    "U6": ("Localisation", "Does relevance fall in the pathology?", "used"),
    "G1": ("Competence", "Is the target above chance?", "gate"),
    "G3": ("Spike-in", "Is a planted signature found in this cohort?", "gate"),
}
WHY = "A network can only be cleared of a fault that this check would have seen."


def subjects(regime: str, n: int) -> pd.DataFrame:
    rows = []
    for label, sites in SITES[regime].items():
        for number in range(n // 2):
            rows.append(
                {
                    "subject": f"sub-{label}{number:03d}",
                    "label": label,
                    "positive": label == "ms",
                    "fold": number % 5,
                    "severity": 3.0 + number % 7 if label == "ms" else np.nan,
                    "origin": sites[number % len(sites)],
                }
            )
    rows[0]["subject"] = NASTY
    return pd.DataFrame(rows)


def scores(table: pd.DataFrame, arms: list[str], rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for place, arm in enumerate(arms):
        shift = np.where(table["positive"], 1.6, -1.6) + rng.normal(0, 1, len(table))
        for variant, lost in (("original", 0.0), ("erased", 0.3 if place == 0 else 1.9)):
            logit = shift - np.where(table["positive"], lost, -0.1) + rng.normal(0, 0.2, len(table))
            parts.append(
                pd.DataFrame(
                    {
                        "arm": arm,
                        "question": "target",
                        "input": "original",
                        "variant": variant,
                        "class": "",
                        "subject": table["subject"],
                        "fold": table["fold"],
                        "logit": logit.round(4),
                    }
                )
            )
    return pd.concat(parts)


def finding(code: str, status: str, **more: object) -> dict[str, object]:
    blank = dict.fromkeys(("factor", "class", "layer", "input", "statistic", "low", "high", "p_value", "threshold"))
    text = {"reason": f"{code} says {status}.", "remedy": f"Act on {code}." if status == "concern" else ""}
    return {**blank, "code": code, "status": status, "factor": "origin", "n": 80, **text, "details": {}, **more}


def findings(flagged: bool) -> list[dict[str, object]]:
    return [
        finding("A1", "concern", **{"class": "healthy"}, statistic=0.97, low=0.94, high=0.99, p_value=0.0005),
        finding(
            "A2", "concern" if flagged else "clear", input="background", statistic=0.95, threshold=0.6, p_value=0.001
        ),
        finding("A2", "inconclusive", input="silhouette", statistic=0.58, low=0.44, high=0.7, p_value=0.24),
        finding("U1", "not_applicable", **{"class": "healthy"}, reason="one origin in this class"),
        finding(
            "U4",
            "concern" if flagged else "clear",
            statistic=0.91 if flagged else 0.08,
            low=0.8 if flagged else 0.0,
            high=0.99 if flagged else 0.19,
            p_value=0.0005 if flagged else 0.6,
            threshold=0.1,
            details={"gap_original": 3.2, "gap_residual": 2.9, "pathology_part": 0.3},
        ),
        finding("U6", "inconclusive", statistic=1.4, low=0.8, high=2.2, reason="relevance mass near chance"),
        finding("G1", "clear", factor=None, statistic=0.98, low=0.95, high=1.0, threshold=0.5),
        finding("G3", "error", factor=None, reason="the spike-in job was lost"),
    ]


def arm(name: str, flagged: bool) -> dict[str, object]:
    word = "ORIGIN" if flagged else "PATHOLOGY"
    low, estimate, high = (0.8, 0.91, 0.99) if flagged else (0.0, 0.08, 0.19)
    reason = (
        "About 91 % of the difference between the classes remains after every lesion is erased. "
        "A network retrained on the background alone also tells the classes apart."
        if flagged
        else "Erasing the lesions removes nearly all of the difference between the classes. No other evidence objects."
    )
    reliance = {
        "estimate": estimate,
        "low": low,
        "high": high,
        "from": "U4",
        "corroborated_by": ["A2"] if flagged else [],
    }
    settle = "Healthy subjects from ofsep-lyon, or patients from ixi-guys: about 40 of either."
    verdict = {
        "factor": "origin",
        "verdict": word,
        "reason": reason,
        "settle": settle,
        "provisional": True,
        "reliance": reliance,
    }
    return {
        "name": name,
        "representation": name,
        "primary": flagged,
        "verdict": word,
        "reason": reason,
        "verdicts": [verdict],
        "error_rates": {
            "cell": None,
            "false_flag": None,
            "false_clear": None,
            "undetermined": None,
            "within_calibration": False,
            "text": "Error rates not yet measured.",
        },
        "target": {
            "auc": 0.98 if flagged else 0.94,
            "auc_low": 0.95 if flagged else 0.89,
            "auc_high": 1.0 if flagged else 0.98,
            "balanced_accuracy": 0.93,
        },
        "reliance": reliance,
        "findings": findings(flagged),
        "lesion_gain": {
            "estimate": 1.4 if flagged else 6.3,
            "low": 0.9 if flagged else 4.8,
            "high": 2.0 if flagged else 7.9,
        },
        "origin_auc": {
            "estimate": 0.97 if flagged else 0.83,
            "low": 0.94 if flagged else 0.75,
            "high": 0.99 if flagged else 0.9,
        },
        "truth": {
            "origin": {
                "omega": 0.94 if flagged else 0.12,
                "r": 0.85 if flagged else 0.2,
                "auc_one_site": 0.6,
                "gap": 3.1,
            }
        },
    }


def audit(regime: str, arms: list[str], table: pd.DataFrame) -> dict[str, object]:
    counts = {label: group["origin"].value_counts().sort_index().to_dict() for label, group in table.groupby("label")}
    made = [arm(name, place == 0) for place, name in enumerate(arms)]
    pairs = [
        {
            "arms": list(two),
            "quantity": name,
            "difference": value,
            "low": value - 0.06,
            "high": value + 0.06,
            "p_value": 0.0015,
        }
        for two in combinations(arms, 2)
        for name, value in (("auc", 0.04), ("reliance", 0.83), ("lesion_gain", -4.9), ("origin_auc", 0.14))
    ]
    return {
        "schema_version": "1.0",
        "name": "Healthy vs MS, raw against tissue maps",
        "biasaudit": {
            "version": "0.1.0",
            "protocol_sha256": "ab" * 32,
            "data_sha256": "cd" * 32,
            "started": "2026-11-23T09:00:00Z",
            "finished": "2026-11-23T09:12:41Z",
        },
        "cohort": {
            "n": len(table),
            "classes": table["label"].value_counts().sort_index().to_dict(),
            "origins": {"origin": table["origin"].value_counts().sort_index().to_dict()},
        },
        "design": {
            "regime": regime,
            "cramers_v": 1.0,
            "table": counts,
            "can_answer": ["whether the answer survives erasure of the marked pathology"],
            "cannot_answer": ["whether scores depend on the origin given the label"],
            "findings": [finding("D1", "concern", statistic=1.0, threshold=0.3, reason="one origin per class")],
        },
        "notes": ["2 subjects dropped: no image", "origins under 10 subjects pooled as other: ixi-unknown"],
        "limits": ["Erasure cannot see disease outside the masks."],
        "checks": {
            code: {"title": title, "question": question, "why": WHY, "kind": kind}
            for code, (title, question, kind) in CHECKS.items()
        },
        "settings": {
            "statistics": {"alpha": 0.05, "n_permutations": 2000, "n_bootstraps": 2000},
            "folds": {"n": 5},
            "verdict": {"high": 0.5, "low": 0.1, "tolerance": 0.25, "delta": 0.1},
            "target": {
                "network": "cnn",
                "training": {"epochs": 15, "batch_size": 16, "learning_rate": 0.003, "seeds": 1},
            },
            "attribution": {"method": "integrated_gradients", "steps": 16},
        },
        "environment": {"python": "3.11.9", "torch": "2.13.0", "platform": "Linux"},
        "arms": made,
        "comparisons": pairs if len(arms) > 1 else [],
    }


def relevance(table: pd.DataFrame, arms: list[str], rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for name in arms:
        weights = rng.dirichlet([1.5, 6, 2, 1], len(table))
        for place, region in enumerate(("pathology", "brain", "edge", "background")):
            some = table[["subject", "label"]].assign(
                arm=name, region=region, share=weights[:, place], signed_share=weights[:, place] - 0.1
            )
            parts.append(some[table["positive"]] if region == "pathology" else some)
    return pd.concat(parts)


def training(arms: list[str]) -> pd.DataFrame:
    networks = [("target", "", "original"), ("origin", "healthy", "original"), ("target", "", "background")]
    rows = [
        {
            "arm": name,
            "question": question,
            "class": label,
            "input": reduced,
            "fold": fold,
            "epoch": epoch,
            "training_loss": 0.7 * 0.8**epoch,
            "validation_loss": 0.7 * 0.85**epoch + 0.02 * fold,
        }
        for name in arms
        for question, label, reduced in networks
        for fold in range(5)
        for epoch in range(12)
    ]
    return pd.DataFrame(rows)


def slices(shape: tuple[int, int], rng: np.random.Generator, lesions: bool) -> dict[str, np.ndarray]:
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    radius = np.hypot(rows / 0.92, columns / 0.8)
    anatomy = np.where(radius < 1, 0.55 + 0.25 * (radius > 0.75) + 0.04 * rng.normal(size=shape), 0)
    mask = (np.hypot(rows - 0.2, columns - 0.35) < 0.17) & lesions
    field = np.where(radius < 1, rng.normal(size=shape), 0)
    smooth = sum(np.roll(field, (i, j), (0, 1)) for i in range(-2, 3) for j in range(-2, 3)) / 25
    return {"anatomy": anatomy + 0.3 * mask, "relevance": 0.02 * smooth + 0.012 * mask, "mask": mask.astype(float)}


def overlays(folder: Path, table: pd.DataFrame, arms: list[str], rng: np.random.Generator) -> None:
    rows, arrays = [], {}
    roles = ("typical", "most pathological", "least pathological")
    for name in arms:
        for label, group in table.groupby("label"):
            for role, (_, subject) in zip(roles, group.iterrows(), strict=False):
                key = f"k{len(rows):03d}"
                rows.append(
                    {
                        "key": key,
                        "arm": name,
                        "subject": subject["subject"],
                        "label": label,
                        "origin": subject["origin"],
                        "logit": round(float(rng.normal()), 3),
                        "role": role,
                        "limit": 0.014,
                    }
                )
                for plane, shape in (("axial", (57, 48)), ("coronal", (48, 48)), ("sagittal", (48, 57))):
                    for layer, array in slices(shape, rng, label == "ms").items():
                        arrays[f"{key}__{plane}__{layer}"] = array.astype(np.float32)
    folder.mkdir()
    pd.DataFrame(rows).to_csv(folder / "overlays.tsv", sep="\t", index=False)
    np.savez_compressed(folder / "overlays.npz", **arrays)


def write_run(
    folder: Path, regime: str = "aliased", arms: tuple[str, ...] = ("intensity",), maps: bool = True, n: int = 80
) -> Path:
    """Write a whole run folder."""
    rng = np.random.default_rng(7)
    names, table = list(arms), subjects(regime, n)
    (folder / "tables").mkdir(parents=True)
    (folder / "audit.json").write_text(json.dumps(audit(regime, names, table), indent=1))
    stored = {"subjects": table, "scores": scores(table, names, rng), "training": training(names)}
    if maps:
        stored["relevance"] = relevance(table, names, rng)
        overlays(folder / "maps", table, names, rng)
    for name, rows in stored.items():
        rows.to_csv(folder / "tables" / f"{name}.tsv", sep="\t", index=False)
    return folder
