"""The functions themselves, as plain Python: python -m pytest plugins/units"""

import pytest
from plugin import convert_units


@pytest.mark.parametrize(
    ("amount", "unit", "to", "said"),
    [
        (26, "miles", "kilometers", "26 mile = 41.84 km"),
        (70, "Fahrenheit", "°C", "70 °F = 21.11 °C"),
        (-40, "c", "f", "-40 °C = -40 °F"),
        (2, "pounds", "kg", "2 lb = 0.907185 kg"),
        (6, "feet", "cm", "6 ft = 182.88 cm"),
        (100, "km/h", "mph", "100 km/h = 62.14 mph"),
    ],
)
def test_an_amount_is_converted(amount: float, unit: str, to: str, said: str) -> None:
    assert convert_units(amount, unit, to) == said


def test_units_of_two_kinds_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="both must be units of one kind"):
        convert_units(1, "mile", "kg")
