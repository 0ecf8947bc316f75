import pytest

from biasaudit.drafting.class_words import looks_healthy, plain, sounds_benign, words_of

HEALTHY = """HC|Control|controls|healthy|Healthy Control|NORMAL|0|0.0|No Finding|CN|no|no_tumour|notumor|not_ill|non-ill
|non-lesional|NonDemented|Non Demented|without lesion|w/o lesion|tumour_absent|tumor absent|lesion-free|free of disease
|negative for malignancy|neg|NEG|covid_negative|NOR|nc|TD|Typically Developing Children|cognitively unimpaired
|Cognitively Normal|normal control subjects|No_DR|absence of disease|no evidence of disease|unaffected|hc2|non-cancer
|No significant finding|control group|ixi|HCP-YA|False"""
ILL = """MS|patient|1|AD|abnormal|non-healthy|not normal|tumour|unknown|uncontrolled|no treatment
|non-small-cell carcinoma|triple-negative|normal pressure hydrocephalus
|normal-appearing white matter|MCI to NL|nodule|novel|nothing|case control
|benign|1.0|-1|non-Hodgkin lymphoma|positive|nevus|n|no therapy|notable"""


@pytest.mark.parametrize("value", HEALTHY.replace("\n", "").split("|"))
def test_healthy_values(value):
    assert looks_healthy(value)


@pytest.mark.parametrize("value", ILL.replace("\n", "").split("|"))
def test_other_values(value):
    assert not looks_healthy(value)


@pytest.mark.parametrize(
    ("value", "other"),
    [("non-xyz", "xyz"), ("nonXYZ", "xyz"), ("noxyz", "xyz"), ("xyz absent", "xyz present"), ("N", "Y"), ("n", "P")],
)
def test_what_denies_another_class_is_healthy_beside_it(value, other):
    assert not looks_healthy(value)
    assert looks_healthy(value, [value, other])
    assert not looks_healthy(other, [value, other])


def test_benign_is_told_apart_from_healthy():
    assert sounds_benign("benign naevus")
    assert not sounds_benign("malignant")


def test_words():
    assert plain("Field_Strength (T)") == "fieldstrengtht"
    assert words_of("NonDemented_case2 w/o lesion") == ["non", "demented", "case", "2", "without", "lesion"]
