"""The methods paragraph to paste into a paper, filled from the settings that ran, and the checklists' paragraph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biasaudit.report.words import count, finite, interval, number, reliance_words
from biasaudit.run_folder.contract import ArmRecord, IndependentRecord
from biasaudit.run_folder.reading import RunRecords, contrasts, judged_counts, judged_subjects

__all__ = ["CHECKLISTS", "checklist", "methods", "references"]

CHECKLISTS = "METRICS (item 19, handling of confounding factors), CLAIM and TRIPOD+AI"

_PATHS = ("integrated_gradients", "expected_gradients", "captum:IntegratedGradients")
"""Methods of attribution that go along a path, in more steps until their maps are complete."""

_REFERENCES = {
    "U1": "Phipson B, Smyth GK. Permutation P-values should never be zero. Stat Appl Genet Mol Biol 2010;9:39.",
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65–70.",
    "tost": "Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing the "
    "equivalence of average bioavailability. J Pharmacokinet Biopharm 1987;15:657–680.",
    "U3": "Gretton A, et al. A kernel two-sample test. J Mach Learn Res 2012;13:723–773.",
    "published": "Chyzhyk D, Varoquaux G, Milham M, Thirion B. How to remove or control confounds in predictive "
    "models, with applications to brain biomarkers. GigaScience 2022;11:giac014.",
    "weights": "Li F, Morgan KL, Zaslavsky AM. Balancing covariates via propensity score weighting. J Am Stat Assoc "
    "2018;113:390–400.",
    "unmeasured": "VanderWeele TJ, Ding P. Sensitivity analysis in observational research: introducing the E-value. "
    "Ann Intern Med 2017;167:268–274.",
    "integrated_gradients": "Sundararajan M, Taly A, Yan Q. Axiomatic attribution for deep networks. ICML 2017.",
    "G2": "Adebayo J, et al. Sanity checks for saliency maps. NeurIPS 2018.",
    "why": "Zech JR, et al. Variable generalization performance of a deep learning model to detect pneumonia in chest "
    "radiographs. PLoS Med 2018;15:e1002683. DeGrave AJ, Janizek JD, Lee SI. AI for radiographic COVID-19 detection "
    "selects shortcuts over signal. Nat Mach Intell 2021;3:610–619.",
}


_HOW_PUBLISHED = {
    "weights": "Pairs of a patient and a healthy subject that one fold held out were weighted by the product of their "
    "origins' overlap weights.",
    "probes": "Pairs were of one origin, and both of a pair were scored by the network of the same fold.",
}
"""How an AUC was made where the origin tells nothing of the class; of one origin there was nothing to make."""


@dataclass(frozen=True)
class Settings:
    """The settings that ran, as the audit recorded them; an older run may lack some."""

    recorded: Mapping[str, Any]

    def at(self, *keys: str) -> Any:
        """Return the value under nested keys; ``(not recorded)`` where there is none."""
        value: Any = self.recorded
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return "(not recorded)" if value is None else value

    @property
    def weights(self) -> list[str]:
        """Files of weights of a target that was trained before the audit; none where it was trained here."""
        stated = self._stated("target", "weights")
        return list(stated) if isinstance(stated, list) else [stated] if stated else []

    @property
    def scored(self) -> bool:
        """Whether held-out scores were given in place of a target."""
        return bool(self._stated("cohort", "predictions") or self._stated("cohort", "score"))

    def _stated(self, section: str, key: str) -> Any:
        part = self.recorded.get(section)
        return part.get(key) if isinstance(part, Mapping) else None


def methods(records: RunRecords) -> tuple[str, ...]:
    """Write the methods paragraph, one string per paragraph.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    tuple of str
        Design and training; tests and reliance; the AUC to publish; verdict; attribution.
    """
    settings, asked = Settings(records.audit["settings"]), _asked(records)
    paragraphs = (
        _design(records, settings),
        " ".join(text for code, text in _tests(records, settings).items() if code in asked),
        _published(records, settings),
        _verdict(records, settings),
        _maps(settings) if not records.relevance.empty or not records.overlays.empty else "",
    )
    return tuple(text for text in paragraphs if text)


def references(records: RunRecords) -> tuple[str, ...]:
    """List the works that the methods rest on, for this run."""
    asked = _asked(records) | {
        *_beside_the_checks(records),
        "holm",
        "tost",
        "why",
        str(Settings(records.audit["settings"]).at("attribution", "method")),
    }
    return tuple(text for key, text in _REFERENCES.items() if key in asked)


def checklist(records: RunRecords) -> str:
    """Write the paragraph that reporting checklists ask for on confounding by the source of the data."""
    audit = records.audit
    origins = ", ".join(
        f"{name} ({count(len(values), 'level')})" for name, values in audit["cohort"]["origins"].items()
    )
    primary = _primary(records)
    reliance = reliance_words(primary.get("reliance") or {})
    share = f" The share of its response owed to the data's origin: {reliance}." if reliance else ""
    return (
        "Handling of confounding factors. Confounding of the label with the source of the images "
        f"({origins or 'none named'}) was assessed with biasaudit {audit['biasaudit'].get('version', '')} on "
        f"{_judged(records)} in {_regime(records)}, by {_means(records)}. "
        f"Verdict for the {primary['name']} input: {primary['verdict']}{_worst_contrast(primary)}.{share}"
    )


def _primary(records: RunRecords) -> ArmRecord:
    arms = records.audit["arms"]
    return next((arm for arm in arms if arm.get("primary")), arms[0])


def _independent(records: RunRecords) -> IndependentRecord:
    """AUC to publish of the primary arm; empty where there is none."""
    found = (_primary(records).get("target") or {}).get("independent") or {}
    return found if finite(found.get("auc")) is not None else {}


def _gives_e_value(records: RunRecords) -> bool:
    found = _primary(records).get("findings") or []
    return any(own["code"] == "D4" and (own.get("details") or {}).get("sensitivity") for own in found)


def _beside_the_checks(records: RunRecords) -> set[str]:
    """Keys of the works behind numbers that no check of its own gives."""
    how = _independent(records).get("how")
    keys = {"published"} if how in _HOW_PUBLISHED else set()
    keys |= {"weights"} if how == "weights" else set()
    return keys | ({"unmeasured"} if _gives_e_value(records) else set())


def _published(records: RunRecords, settings: Settings) -> str:
    """Name the AUC to publish with its interval and how it was made, and what an E-value is given for."""
    own, parts = _independent(records), []
    if own:
        bounds, alpha = interval(own.get("auc_low"), own.get("auc_high")), finite(settings.at("statistics", "alpha"))
        level = "" if alpha is None else f"{100 * (1 - alpha):g} % "
        parts = [
            f"The AUC of the {_primary(records)['name']} input, with class and {own.get('factor')} made independent, "
            f"was {number(own.get('auc'))} ({level}interval {bounds}).",
            str(own.get("text") or ""),
            _HOW_PUBLISHED.get(str(own.get("how")), ""),
            "Its interval is DeLong's or, where that is wider, Newcombe's, and allows for training sets that overlap.",
        ]
    if _gives_e_value(records):
        parts.append("How strong a trait nobody measured would have to be to explain a difference is its E-value.")
    return " ".join(part for part in parts if part)


def _worst_contrast(arm: ArmRecord) -> str:
    return f" ({arm['contrast']} against the rest, the worst of all contrasts)" if arm.get("contrast") else ""


def _asked(records: RunRecords) -> set[str]:
    findings = records.findings
    return set(findings.loc[~findings["status"].isin(["not_applicable", "error"]), "code"])


def _design(records: RunRecords, settings: Settings) -> str:
    version, rest = records.audit["biasaudit"].get("version", ""), f"about held-out subjects.{_contrasts(records)}"
    if settings.scored:
        return (
            f"We audited the given scores of a classifier with biasaudit {version} on {_judged(records)}. The "
            f"classifier itself was not trained and not run here; that its scores are of held-out subjects is taken "
            f"from whoever made them.{_controls(records, settings)}{_contrasts(records)}"
        )
    if settings.weights:
        return (
            f"We audited an already trained classifier ({_network(settings)}, weights {_file_name(settings.weights)}) "
            f"with biasaudit {version}. It was not trained here; {_judged_by(records, settings)}."
            f"{_controls(records, settings)} Every statement on the classifier is {rest}"
        )
    arms = ", ".join(arm["name"] for arm in records.audit["arms"])
    return (
        f"We audited the classifier with biasaudit {version} on {_judged(records)}. A network of type "
        f"{_network(settings)} was trained {_budget(settings)}; control classifiers shared architecture, folds and "
        f"budget.{_own_training(settings)} Input representations ({arms}) were compared on the same folds. Every "
        f"statement is {rest}"
    )


def _network(settings: Settings) -> str:
    """Name of the network; of one in a file without its folder."""
    return _file_name(settings.at("target", "network"))


def _judged(records: RunRecords) -> str:
    """Count those by whom the target is judged, with the sizes of the classes."""
    total, amounts = judged_counts(records)
    sizes = [f"{amount} {name}" for name, amount in amounts.items()]
    classes = " and ".join(part for part in (", ".join(sizes[:-1]), *sizes[-1:]) if part)
    return f"{total} subjects ({classes})"


def _judged_by(records: RunRecords, settings: Settings) -> str:
    """Say by whom a network that was trained elsewhere is judged."""
    if len(settings.weights) > 1:
        return (
            f"each of {_judged(records)} was scored by the one of {len(settings.weights)} networks that had not seen it"
        )
    return f"it was judged by {_judged(records)} that, as stated, it had not seen"


def _controls(records: RunRecords, settings: Settings) -> str:
    """Say which networks were trained here beside a target that was not."""
    if records.training.empty:
        return " No network was trained in the audit."
    others = records.subjects["subject"].nunique() - judged_subjects(records)["subject"].nunique()
    helped = f", with {count(others, 'other subject')} in every training set" if others else ""
    return (
        f" Only control classifiers were trained in the audit ({_network(settings)}, from initial weights), "
        f"{_budget(settings)}{helped}.{_own_training(settings)}"
    )


def _budget(settings: Settings) -> str:
    """Say how what was trained here was trained."""
    epochs, batch, rate, seeds = (
        settings.at("target", "training", key) for key in ("epochs", "batch_size", "learning_rate", "seeds")
    )
    own = settings.at("target", "seeds")
    of_target = f", {own} of the target" if isinstance(own, int) else ""
    return (
        f"by {settings.at('folds', 'n')}-fold cross-validation, grouped by subject and stratified by class and "
        f"origin, for at most {epochs} epochs (batch size {batch}, learning rate {rate}, networks per fold {seeds}"
        f"{of_target})"
    )


def _own_training(settings: Settings) -> str:
    """Say what was trained otherwise than by the default loop."""
    usual = {"loss": "balanced_bce", "optimiser": "adamw", "schedule": "one_cycle", "augment": "none", "fit": None}
    training = settings.at("target", "training")
    stated = training if isinstance(training, Mapping) else {}
    changed = {name: stated[name] for name in usual if name in stated and stated[name] != usual[name]}
    if not changed:
        return ""
    parts = [f"{name} {_file_name(value)}" for name, value in changed.items()]
    return f" Networks were trained with {', '.join(parts)}."


def _file_name(value: Any) -> str:
    """Name of what was used, several joined; of a file without its folder."""
    names = value if isinstance(value, list) else [value]
    return " and ".join(str(name).rpartition("/")[2] for name in names)


def _contrasts(records: RunRecords) -> str:
    if not contrasts(records):
        return ""
    return (
        " Every class was held against the rest in a contrast of its own, the healthy against all patients, by the log "
        "odds of the class; origins were compared inside actual classes only, Holm's procedure ran over the tests of "
        "all contrasts together, and the worst verdict is reported."
    )


def _tests(records: RunRecords, settings: Settings) -> dict[str, str]:
    permutations = settings.at("statistics", "n_permutations")
    bootstraps = settings.at("statistics", "n_bootstraps")
    return {
        "A1": "Whether the origin can be read was asked of control classifiers trained to tell origins apart inside "
        "one class.",
        "A2": "Networks were trained anew on reduced inputs without the marked pathology, or without its place "
        f"({_reduced_inputs(records)}).",
        "U1": f"Dependence of held-out logits on the origin given the label was tested by {permutations} permutations "
        f"of the origin inside classes{_covariates(settings)}, with p = (b + 1)/(m + 1).",
        "U3": "Hidden features were compared between origins inside a class by two-sample permutation tests.",
        "U4": f"Reliance on the signature was estimated by matched erasure: {_erased(settings)}, and the residual gap "
        f"was divided by the original gap, with an interval from {bootstraps} bootstrap samples of subjects.",
        "U5": "The signature of one origin was imposed on images of another, and the change of the logit was compared "
        "with that of sham edits.",
        "P1": f"Images of cells of class and origin that the design lacks ({_probes(records)}) were scored by the "
        "networks of all folds and trained on by none; reliance is the share of the gap between the classes by which "
        "they score as their source and not as their class, with Student's interval.",
        "U10": "Networks retrained without one origin were compared, on it, with others trained on as many subjects.",
        "U11": "Networks were retrained at several associations of class and origin and tested on balanced subjects.",
        "G2": "Attribution maps were tested by random weights, by deletion and insertion of their most relevant "
        "voxels, and by agreement between networks; maps that fail are withheld.",
        "G3": "Power was tested on this cohort: a synthetic signature was planted by the label in a copy, another at "
        "random, and the network was retrained on each, where need be with some labels turned, until it used one.",
    }


def _probes(records: RunRecords) -> str:
    asked = records.findings[records.findings["code"] == "P1"]
    return count(int(asked["n"].max()), "probe") if "n" in asked and asked["n"].notna().any() else "probes"


def _erased(settings: Settings) -> str:
    if settings.at("cohort", "mask_in") == "all":
        return (
            "of every subject its own lesion and a mask exchanged from each other class were in-painted from their "
            "surroundings, so that the holes are alike in all classes"
        )
    return (
        "the marked pathology of patients was in-painted from its surroundings, the same masks were exchanged onto "
        "healthy subjects as a sham"
    )


def _reduced_inputs(records: RunRecords) -> str:
    findings = records.findings
    asked = findings[(findings["code"] == "A2") & (findings["status"] != "not_applicable")]
    return ", ".join(dict.fromkeys(asked["input"].dropna())) if "input" in asked else "not recorded"


def _regime(records: RunRecords) -> str:
    regime = records.audit["design"].get("regime")
    return f"the {regime} design" if regime else "a design that was not recorded"


def _covariates(settings: Settings) -> str:
    named = settings.at("cohort", "covariates")
    return f", with {', '.join(named)} held fixed" if isinstance(named, list) and named else ""


def _means(records: RunRecords) -> str:
    asked = _asked(records)
    means = {
        "control classifiers": {"A1", "A2"},
        "tests of scores and features inside classes": {"U1", "U2", "U3"},
        "edits of the images": {"U4", "U5"},
        "images of the missing cell that were only scored": {"P1"},
        "edits outside and inside of the declared disease field": {"U13", "U14"},
    }
    used = [name for name, codes in means.items() if codes & asked]
    return ", ".join(used) or "its table alone"


def _verdict(records: RunRecords, settings: Settings) -> str:
    high, low, tolerance, delta = (
        _threshold(settings.at("verdict", key)) for key in ("high", "low", "tolerance", "delta")
    )
    return (
        f"Tests that may flag were corrected by Holm's procedure (alpha {settings.at('statistics', 'alpha')})"
        f"{_together(records, settings)}. A "
        f"flagged network was called ORIGIN where the lower bound of reliance exceeded {high} and MIXED where it "
        f"exceeded {low}. PATHOLOGY was an equivalence claim: upper bound of reliance below {tolerance} and, where "
        f"origins hold both classes, the AUC of origin from scores inside a class within {delta} of 0.5. "
        f"Anything else was UNDETERMINED.{_rests_on(records)}"
    )


def _rests_on(records: RunRecords) -> str:
    """Say of a verdict that rests on probes that it does."""
    arm = _primary(records)
    if (arm.get("reliance") or {}).get("from") != "P1":
        return ""
    return f" The verdict on the {arm['name']} input rests on the probes: its reliance was measured on them."


def _together(records: RunRecords, settings: Settings) -> str:
    """Say over which tests the correction ran; nothing of a run that did not record it."""
    counted = [verdict.get("tests", 0) for arm in records.audit["arms"] for verdict in arm.get("verdicts", [])]
    if settings.at("statistics", "scope") == "audit":
        return f" over {count(max(counted, default=0), 'test')} of the whole audit"
    return ", for each input and origin factor by itself" if any(counted) else ""


def _threshold(value: Any) -> str:
    return number(value) if finite(value) is not None else str(value)


def _maps(settings: Settings) -> str:
    method = str(settings.at("attribution", "method"))
    steps = (
        f", {settings.at('attribution', 'steps')} steps on the path, more until complete" if method in _PATHS else ""
    )
    return (
        f"Attribution maps ({method.removeprefix('captum:').replace('_', ' ')}{steps}) illustrate the findings; they "
        "decided nothing alone."
    )
