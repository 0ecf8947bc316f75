"""Section `attributes`: what is known beside the pixels, ranked by how likely it makes a short cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from biasaudit.registry import register
from biasaudit.report.views_finding import against_the_rest
from biasaudit.report.words import NOTHING, number
from biasaudit.run_folder.reading import RunRecords

__all__ = ["Attributes"]


@register("section", "attributes")
class Attributes:
    """Columns by their utility for the class and their detectability in the network or the images (D2)."""

    title: ClassVar[str] = "What could be a short cut"
    link: ClassVar[str] = ""
    order: ClassVar[int] = 5
    template: ClassVar[str] = "attributes.html.j2"
    folded: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give one table per contrast, of the primary origin factor; none where nothing was ranked."""
        found = tuple(_tables(run.audit["design"].get("findings") or []))
        unseen = not any(table["seen_in"] for table in found)
        return {"tables": found, "unseen": unseen} if found else None


def _tables(findings: list[Any]) -> Iterator[dict[str, object]]:
    """Go over the rankings of the first factor that has one."""
    ranked = [own for own in findings if own["code"] == "D2" and (own.get("details") or {}).get("attributes")]
    for finding in ranked:
        if finding["factor"] == ranked[0]["factor"]:
            details = finding["details"]
            rows = [_row(name, own) for name, own in sorted(details["attributes"].items(), key=_order)]
            where = details.get("attributes_seen_in") or ""
            yield {"contrast": against_the_rest(finding.get("contrast")), "seen_in": where, "rows": rows}


def _order(named: tuple[str, Mapping[str, float | None]]) -> tuple[bool, float, float, str]:
    """Order by the product, then by the utility, whatever order a file was written in; the unknown come last."""
    name, own = named
    product = own["product"]
    return product is None, -(product or 0.0), -(own["utility"] or 0.0), name


def _row(name: str, own: Mapping[str, float | None]) -> dict[str, str]:
    shown = {
        part: NOTHING if own[part] is None else number(own[part]) for part in ("utility", "detectability", "product")
    }
    return {"name": name, **shown}
