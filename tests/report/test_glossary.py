from rtbench.analysis.samples import METRIC_NAMES
from rtbench.report.glossary import glossary


def test_every_metric_of_the_report_is_defined_once() -> None:
    names = [definition.name for family in glossary().values() for definition in family]
    assert sorted(names) == sorted(METRIC_NAMES)


def test_every_definition_is_a_sentence() -> None:
    for family in glossary().values():
        for definition in family:
            assert len(definition.text.split()) >= 4, definition.name
