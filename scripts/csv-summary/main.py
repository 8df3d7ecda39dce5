"""A CSV table in a few lines: what's in its columns."""

import csv

SHOWN = 3
COLUMNS = 40


async def main(path: str = "", text: str = "") -> str:
    """Sum up a CSV table: a file of the task's workspace by its path, or a text."""
    if bool(path.strip()) == bool(text.strip()):
        raise ValueError("give either path, a file in the workspace, or text, the table itself")
    table = await read_file(path.strip()) if path.strip() else text
    return summary(table)


def summary(table: str) -> str:
    lines = [line for line in table.replace("\r\n", "\n").split("\n") if line.strip()]
    if not lines:
        raise ValueError("the table is empty")
    rows = list(csv.reader(lines, delimiter=separator(lines[0])))
    names, rest = rows[0], rows[1:]
    told = [f"{len(rest)} rows, {len(names)} columns."]
    for index, name in enumerate(names[:COLUMNS]):
        values = [row[index].strip() for row in rest if index < len(row) and row[index].strip()]
        told.append(f"{name.strip() or f'column {index + 1}'}: {column(values, len(rest))}")
    if len(names) > COLUMNS:
        told.append(f"and {len(names) - COLUMNS} more columns")
    return "\n".join(told)


def separator(first: str) -> str:
    """The one of the usual signs that the first line has most of."""
    best = ","
    for sign in (",", ";", "\t", "|"):
        if first.count(sign) > first.count(best):
            best = sign
    return best


def column(values: list[str], rows: int) -> str:
    missing = f", {rows - len(values)} empty" if len(values) < rows else ""
    if not values:
        return "empty"
    numbers = [number for number in [parsed(value) for value in values] if number is not None]
    if len(numbers) == len(values):
        least, most, mean = min(numbers), max(numbers), sum(numbers) / len(numbers)
        return f"{len(numbers)} numbers, {short(least)} to {short(most)}, mean {short(mean)}{missing}"
    kinds = list(dict.fromkeys(values))
    shown = ", ".join(kind[:40] for kind in kinds[:SHOWN])
    return f"{len(values)} texts, {len(kinds)} different: {shown}{', ...' if len(kinds) > SHOWN else ''}{missing}"


def parsed(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def short(number: float) -> str:
    rounded = round(number, 4)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)
