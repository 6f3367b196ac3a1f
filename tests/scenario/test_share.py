import pytest
from pydantic import TypeAdapter, ValidationError

from rtbench.scenario.share import Share

ADAPTER = TypeAdapter(Share)


@pytest.mark.parametrize(
    ("written", "share"), [("2%", 0.02), ("50 %", 0.5), (" 0.7 % ", 0.007), (0.25, 0.25), (1, 1.0)]
)
def test_a_share_is_per_cent_or_a_number(written, share: float) -> None:
    assert ADAPTER.validate_python(written) == share


@pytest.mark.parametrize("written", ["half %", "a lot"])
def test_what_is_no_share_is_told(written: str) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(written)
