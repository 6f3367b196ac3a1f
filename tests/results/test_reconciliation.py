from rtbench.results.reconciliation import Reconciliation


def test_it_comes_back_from_its_json_as_it_was() -> None:
    counted = Reconciliation(
        workers_planned=4, workers_finished=3, rows_sent=10, rows_received=9, interrupted=True
    )
    assert Reconciliation.from_dict(counted.as_dict()) == counted


def test_keys_of_a_later_version_are_left_out() -> None:
    assert Reconciliation.from_dict({"rows_sent": 1, "invented_later": 2}) == Reconciliation(rows_sent=1)
