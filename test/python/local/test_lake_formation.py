"""Lake Formation's settings: an account begins with IAM alone, and what is put is what is got."""

import aws_facts
import pytest
from jobs_support import running_cloud

KINDS = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")


@pytest.fixture(scope="module")
def lake_formation(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("lake-formation")) as cloud:
        yield cloud.client("lakeformation")


def test_an_account_begins_with_iam_alone(lake_formation):
    settings = lake_formation.get_data_lake_settings()["DataLakeSettings"]
    for kind in KINDS:
        assert settings[kind] == aws_facts.answer("lakeformation.only-iam")


def test_what_is_not_put_is_taken_away(lake_formation):
    by_iam = aws_facts.answer("lakeformation.only-iam")
    lake_formation.put_data_lake_settings(DataLakeSettings={"CreateDatabaseDefaultPermissions": by_iam})
    settings = lake_formation.get_data_lake_settings()["DataLakeSettings"]
    assert [settings[kind] for kind in KINDS] == [by_iam, []]
