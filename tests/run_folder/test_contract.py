"""The files and columns of a run: named once, and named as the engine writes them."""

import pytest

from biasaudit.run_folder import contract
from biasaudit.run_folder.contract import READ_BY_THE_REPORT, Table

TABLES = [each for each in vars(contract).values() if isinstance(each, Table)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_a_reader_needs_of_a_table_is_written(table):
    assert len(set(table.columns)) == len(table.columns)
    assert {*table.required, *table.numbers, *table.compared} <= set(table.columns)


def test_no_two_tables_have_one_name():
    assert len({table.name for table in TABLES}) == len({table.path for table in TABLES}) == len(TABLES)


def test_the_report_reads_tables_of_the_list():
    assert set(READ_BY_THE_REPORT) <= set(TABLES)
    assert all(table.required for table in READ_BY_THE_REPORT)
