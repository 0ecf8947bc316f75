"""The works that the methods rest on, as records: in words for a report, and as BibTeX for a paper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from biasaudit.report.latex import latex

__all__ = ["CHECKLIST_WORKS", "WORKS", "Reference", "bibtex", "in_words", "software"]

_NAMED_AT_MOST = 6
"""Authors that are named before "et al.", as the Vancouver style has it."""


@dataclass(frozen=True)
class Reference:
    """A work that can be cited.

    Attributes
    ----------
    key : str
        By which LaTeX cites it.
    authors : tuple of str
        ``Smyth GK``: family name and initials; a body as it calls itself.
    title, venue : str
        Venue: the journal as Medline shortens it, the proceedings, or nothing.
    year : int or None
    volume, pages, doi, url : str
        Empty where there is none; `pages` may be an article number.
    kind : {"article", "inproceedings", "misc"}
        Type of the BibTeX entry.
    more_authors : bool
        Whether there are others after those named.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str = ""
    year: int | None = None
    volume: str = ""
    pages: str = ""
    doi: str = ""
    url: str = ""
    kind: Literal["article", "inproceedings", "misc"] = "article"
    more_authors: bool = False


def in_words(work: Reference) -> str:
    """Write a reference in the Vancouver style, with its DOI or address.

    Examples
    --------
    >>> in_words(WORKS["holm1979"])
    'Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65–70.'
    """
    named = work.authors[:_NAMED_AT_MOST]
    others = ", et al" if work.more_authors or len(work.authors) > _NAMED_AT_MOST else ""
    year = str(work.year or "")
    volume = f";{work.volume}" if work.volume else ""
    pages = f":{work.pages}" if work.pages else ""
    place = f" {f'{work.venue} {year}'.strip()}{volume}{pages}." if work.venue or year else ""
    address = f" doi:{work.doi}" if work.doi else f" {work.url}" if work.url else ""
    return f"{', '.join(named)}{others}. {work.title}.{place}{address}"


def bibtex(works: Iterable[Reference]) -> str:
    """Write a BibTeX file, one entry per work."""
    return "\n".join(_entry(work) for work in works)


def software(version: str) -> Reference:
    """Return the reference of this program.

    Parameters
    ----------
    version : str
        That made the audit; empty where it was not recorded.
    """
    title = f"biasaudit{f', version {version}' if version else ''} [software]"
    return Reference("biasaudit", ("The biasaudit developers",), title, kind="misc")


def _entry(work: Reference) -> str:
    book = "booktitle" if work.kind == "inproceedings" else "journal"
    fields = {
        "author": _authors(work),
        "title": f"{{{latex(work.title)}}}",  # the inner braces keep capitals as they are
        book: latex(work.venue),
        "year": str(work.year or ""),
        "volume": work.volume,
        "pages": work.pages.replace("–", "--"),
        "doi": work.doi,
        "url": work.url,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{work.kind}{{{work.key},", *lines, "}", ""])


def _authors(work: Reference) -> str:
    named = [_author(name) for name in work.authors]
    return " and ".join([*named, "others"] if work.more_authors else named)


def _author(name: str) -> str:
    """Write ``Smyth GK`` as ``Smyth, G. K.``; a body in braces, so that it is not taken apart."""
    family, _, initials = name.rpartition(" ")
    if not initials.isupper():
        return f"{{{latex(name)}}}"
    return f"{latex(family)}, {' '.join(f'{letter}.' for letter in initials)}"


WORKS = {
    work.key: work
    for work in (
        Reference(
            "adebayo2018",
            ("Adebayo J", "Gilmer J", "Muelly M", "Goodfellow I", "Hardt M", "Kim B"),
            "Sanity checks for saliency maps",
            "Advances in Neural Information Processing Systems",
            2018,
            volume="31",
            pages="9505–9515",
            kind="inproceedings",
        ),
        Reference(
            "chyzhyk2022",
            ("Chyzhyk D", "Varoquaux G", "Milham M", "Thirion B"),
            "How to remove or control confounds in predictive models, with applications to brain biomarkers",
            "GigaScience",
            2022,
            volume="11",
            pages="giac014",
            doi="10.1093/gigascience/giac014",
        ),
        Reference(
            "degrave2021",
            ("DeGrave AJ", "Janizek JD", "Lee SI"),
            "AI for radiographic COVID-19 detection selects shortcuts over signal",
            "Nat Mach Intell",
            2021,
            volume="3",
            pages="610–619",
            doi="10.1038/s42256-021-00338-7",
        ),
        Reference(
            "delong1988",
            ("DeLong ER", "DeLong DM", "Clarke-Pearson DL"),
            "Comparing the areas under two or more correlated receiver operating characteristic curves: a "
            "nonparametric approach",
            "Biometrics",
            1988,
            volume="44",
            pages="837–845",
            doi="10.2307/2531595",
        ),
        Reference(
            "gretton2012",
            ("Gretton A", "Borgwardt KM", "Rasch MJ", "Schölkopf B", "Smola A"),
            "A kernel two-sample test",
            "J Mach Learn Res",
            2012,
            volume="13",
            pages="723–773",
        ),
        Reference(
            "holm1979",
            ("Holm S",),
            "A simple sequentially rejective multiple test procedure",
            "Scand J Stat",
            1979,
            volume="6",
            pages="65–70",
        ),
        Reference(
            "li2018",
            ("Li F", "Morgan KL", "Zaslavsky AM"),
            "Balancing covariates via propensity score weighting",
            "J Am Stat Assoc",
            2018,
            volume="113",
            pages="390–400",
            doi="10.1080/01621459.2016.1260466",
        ),
        Reference(
            "newcombe2006",
            ("Newcombe RG",),
            "Confidence intervals for an effect size measure based on the Mann–Whitney statistic. Part 2: asymptotic "
            "methods and evaluation",
            "Stat Med",
            2006,
            volume="25",
            pages="559–573",
            doi="10.1002/sim.2324",
        ),
        Reference(
            "phipson2010",
            ("Phipson B", "Smyth GK"),
            "Permutation P-values should never be zero: calculating exact P-values when permutations are randomly "
            "drawn",
            "Stat Appl Genet Mol Biol",
            2010,
            volume="9",
            pages="39",
            doi="10.2202/1544-6115.1585",
        ),
        Reference(
            "schuirmann1987",
            ("Schuirmann DJ",),
            "A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of "
            "average bioavailability",
            "J Pharmacokinet Biopharm",
            1987,
            volume="15",
            pages="657–680",
            doi="10.1007/BF01068419",
        ),
        Reference(
            "sundararajan2017",
            ("Sundararajan M", "Taly A", "Yan Q"),
            "Axiomatic attribution for deep networks",
            "Proceedings of the 34th International Conference on Machine Learning",
            2017,
            volume="70",
            pages="3319–3328",
            kind="inproceedings",
        ),
        Reference(
            "vanderweele2017",
            ("VanderWeele TJ", "Ding P"),
            "Sensitivity analysis in observational research: introducing the E-value",
            "Ann Intern Med",
            2017,
            volume="167",
            pages="268–274",
            doi="10.7326/M16-2607",
        ),
        Reference(
            "zech2018",
            ("Zech JR", "Badgeley MA", "Liu M", "Costa AB", "Titano JJ", "Oermann EK"),
            "Variable generalization performance of a deep learning model to detect pneumonia in chest radiographs: a "
            "cross-sectional study",
            "PLoS Med",
            2018,
            volume="15",
            pages="e1002683",
            doi="10.1371/journal.pmed.1002683",
        ),
    )
}
"""Works that the methods cite, by key."""

CHECKLIST_WORKS = {
    "CLAIM 2024": Reference(
        "tejani2024",
        ("Tejani AS", "Klontzas ME", "Gatti AA", "Mongan JT", "Moy L", "Park SH", "Kahn CE"),
        "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 update",
        "Radiol Artif Intell",
        2024,
        volume="6",
        pages="e240300",
        doi="10.1148/ryai.240300",
    ),
    "TRIPOD+AI": Reference(
        "collins2024",
        ("Collins GS", "Moons KGM", "Dhiman P", "Riley RD", "Beam AL", "Van Calster B"),
        "TRIPOD+AI statement: updated guidance for reporting clinical prediction models that use regression or machine "
        "learning methods",
        "BMJ",
        2024,
        volume="385",
        pages="e078378",
        doi="10.1136/bmj-2023-078378",
        more_authors=True,
    ),
    "PROBAST+AI": Reference(
        "moons2025",
        ("Moons KGM", "Damen JAA", "Kaul T", "Hooft L", "Andaur Navarro C", "Dhiman P"),
        "PROBAST+AI: an updated quality, risk of bias, and applicability assessment tool for prediction models using "
        "regression or artificial intelligence methods",
        "BMJ",
        2025,
        volume="388",
        pages="e082505",
        doi="10.1136/bmj-2024-082505",
        more_authors=True,
    ),
    "METRICS": Reference(
        "kocak2024",
        ("Kocak B", "Akinci D'Antonoli T", "Mercaldo N", "Alberich-Bayarri A", "Baessler B", "Ambrosini I"),
        "METhodological RadiomICs Score (METRICS): a quality scoring tool for radiomics research endorsed by EuSoMII",
        "Insights Imaging",
        2024,
        volume="15",
        pages="8",
        doi="10.1186/s13244-023-01572-w",
        more_authors=True,
    ),
}
"""Checklists that ask what an audit answers, by the name under which they are known."""
