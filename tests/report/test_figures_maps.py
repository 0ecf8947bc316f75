import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from biasaudit.report.figures_maps import differences


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("planes", [("axial", "coronal", "sagittal"), ("picture",)])
@pytest.mark.parametrize("critical", [3.0, np.inf])
def test_every_comparison_is_drawn_with_its_slices(narrow, planes, critical):
    generator = np.random.default_rng(1)
    table = pd.DataFrame({
        "key": ["raw-01", "raw-02"], "compared": ["healthy: b minus a", "ms minus healthy, origin held fixed" * 3],
        "p_value": [0.01, 0.6], "significant_voxels": [4, 0], "critical": critical,
    })  # fmt: skip
    pictures = {}
    for key in table["key"]:
        for plane in planes:
            significant = np.zeros((9, 8), dtype=np.float32)
            significant[3:5, 3:5] = key == "raw-01"
            layers = {"anatomy": generator.random((9, 8)), "statistic": generator.normal(size=(9, 8))}
            pictures |= {f"{key}__{plane}__{name}": layer for name, layer in layers.items()}
            pictures[f"{key}__{plane}__significant"] = significant
    with mpl.rc_context({"backend": "agg"}):
        figure = differences(table, pictures, narrow)
    assert len(figure.axes[0].get_images()) == 2 * 2 * len(planes)  # an anatomy and a statistic each
    words = " ".join(text.get_text() for text in figure.texts)
    assert "healthy: b minus a" in words
    assert "4 places" in words
