"""Units of length, weight, temperature, volume and speed."""

FACTORS = {
    "length": {
        "mm": 0.001,
        "cm": 0.01,
        "m": 1.0,
        "km": 1000.0,
        "in": 0.0254,
        "ft": 0.3048,
        "yd": 0.9144,
        "mile": 1609.344,
        "nmi": 1852.0,
    },
    "weight": {
        "mg": 1e-6,
        "g": 0.001,
        "kg": 1.0,
        "t": 1000.0,
        "oz": 0.028349523125,
        "lb": 0.45359237,
        "st": 6.35029318,
    },
    "volume": {
        "ml": 0.001,
        "cl": 0.01,
        "l": 1.0,
        "tsp": 0.00492892159375,
        "tbsp": 0.01478676478125,
        "cup": 0.2365882365,
        "pint": 0.473176473,
        "gal": 3.785411784,
    },
    "speed": {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600},
}
NAMES = {
    "millimeter": "mm",
    "millimetre": "mm",
    "centimeter": "cm",
    "centimetre": "cm",
    "meter": "m",
    "metre": "m",
    "kilometer": "km",
    "kilometre": "km",
    "inch": "in",
    "inche": "in",
    "foot": "ft",
    "feet": "ft",
    "yard": "yd",
    "mi": "mile",
    "nautical mile": "nmi",
    "milligram": "mg",
    "gram": "g",
    "kilogram": "kg",
    "kilo": "kg",
    "tonne": "t",
    "ton": "t",
    "ounce": "oz",
    "pound": "lb",
    "stone": "st",
    "milliliter": "ml",
    "millilitre": "ml",
    "centiliter": "cl",
    "liter": "l",
    "litre": "l",
    "teaspoon": "tsp",
    "tablespoon": "tbsp",
    "gallon": "gal",
    "kmh": "km/h",
    "kph": "km/h",
    "knot": "kn",
    "celsius": "c",
    "centigrade": "c",
    "fahrenheit": "f",
    "kelvin": "k",
}


def convert_units(amount: float, unit: str, to: str) -> str:
    """Convert an amount of one unit into another unit."""
    source, target = short(unit), short(to)
    if source in ("c", "f", "k") and target in ("c", "f", "k"):
        return f"{number(amount)} {shown(source)} = {number(warmth(amount, source, target))} {shown(target)}"
    for factors in FACTORS.values():
        if source in factors and target in factors:
            return f"{number(amount)} {source} = {number(amount * factors[source] / factors[target])} {target}"
    raise ValueError(f"can't convert {unit} to {to}: both must be units of one kind, such as mile and km")


def short(name: str) -> str:
    plain = name.strip().lower().replace("degrees ", "").replace("degree ", "").replace("°", "")
    for word in (plain, plain.removesuffix("s")):
        if word in NAMES:
            return NAMES[word]
        if word in ("c", "f", "k") or any(word in factors for factors in FACTORS.values()):
            return word
    return plain


def warmth(amount: float, source: str, target: str) -> float:
    celsius = amount
    if source == "f":
        celsius = (amount - 32) / 1.8
    elif source == "k":
        celsius = amount - 273.15
    if target == "f":
        return celsius * 1.8 + 32
    if target == "k":
        return celsius + 273.15
    return celsius


def shown(unit: str) -> str:
    return "K" if unit == "k" else f"°{unit.upper()}"


def number(value: float) -> str:
    rounded = round(value, 6 if abs(value) < 1 else 2)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)
