from biasaudit.drafting.codings import as_code, known_coding


def test_a_coding_needs_its_column_its_values_and_its_table():
    assert known_coding("DX_GROUP", ["1", "2.0", ""], []).source == "ABIDE"
    assert known_coding("DX_GROUP", ["1", "control"], []) is None
    assert known_coding("DX_GROUP", [], []) is None
    assert known_coding("dx", ["0", "1"], ["dx"]) is None
    assert known_coding("dx", ["0", "1"], ["dx", "ADHD Index"]).source == "ADHD-200"


def test_numbers():
    assert [as_code(value) for value in ("1.0", "0.50", "AD", "1_0", "nan")] == ["1", "0.5", "AD", "1_0", "nan"]
