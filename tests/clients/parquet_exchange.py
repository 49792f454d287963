"""Parquet between Hearth and pyarrow: what one writes the other reads, value for value.

parquet_exchange.py HEARTH SCRATCH
"""

import datetime
import json
import os
import subprocess
import sys

import pyarrow
import pyarrow.parquet

HEARTH, SCRATCH = sys.argv[1:]
BEGIN = datetime.datetime(2026, 11, 28, 10, tzinfo=datetime.timezone.utc)
ROWS = 100_000


def hearth(house, *words):
    """Runs hearth on a folder; gives its exit code and what it said."""
    data = os.path.join(SCRATCH, house)
    line = [HEARTH, "history", *words, "--data", data]
    done = subprocess.run(line, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def fine(*words):
    code, said = hearth(*words)
    assert code == 0, said
    return said


def time(n):
    return BEGIN + datetime.timedelta(milliseconds=n)


def lived():
    """A life of three things, as JSON lines, and what Parquet must say of it."""
    path = os.path.join(SCRATCH, "lived.jsonl")
    rows = []
    with open(path, "w", encoding="utf-8") as file:
        for n in range(ROWS):
            name, value = [("x", n / 8 - 77.7), ("lamp", n % 2 == 0), ("étage", f"n {n}\nso")][n % 3]
            stamp = time(n).isoformat(timespec="milliseconds")
            row = {"time": stamp, "topic": f"home/a/{name}", "value": value}
            if name == "x":
                row["unit"] = "°C"
            if n % 7 == 0:
                row |= {"boot": 2**32 - 1 - n, "sequence": n, "clock": "rtc"}
            file.write(json.dumps(row) + "\n")
            expected = dict.fromkeys(["number", "switch", "text", "unit", "boot", "sequence"])
            expected |= {"clock": "synchronised"} | row | {"time": time(n)}
            expected[["number", "switch", "text"][n % 3]] = expected.pop("value")
            rows.append(expected)
    return path, rows


def ours_is_read():
    path, rows = lived()
    fine("ours", "import", path)
    exported = os.path.join(SCRATCH, "ours.parquet")
    fine("ours", "export", "-o", exported)
    table = pyarrow.parquet.read_table(exported)
    table.validate(full=True)
    assert table.schema.field("time").type == pyarrow.timestamp("ms", tz="UTC"), table.schema
    assert table.schema.field("boot").type == pyarrow.uint32(), table.schema
    read = table.to_pylist()
    assert len(read) == ROWS, len(read)
    for one, expected in zip(read, rows):
        assert one == expected, (one, expected)
    size = os.path.getsize(exported) / ROWS
    # And back again.
    fine("again", "import", exported)
    once, twice = (os.path.join(SCRATCH, name) for name in ("once.jsonl", "twice.jsonl"))
    fine("ours", "export", "-o", once)
    fine("again", "export", "-o", twice)
    with open(once, "rb") as one, open(twice, "rb") as other:
        assert one.read() == other.read()
    print(f"pyarrow {pyarrow.__version__} reads ours: {ROWS} rows, {size:.1f} bytes each")


def theirs_is_read():
    count = 5000
    numbers = [n / 3 for n in range(count)]
    topics = ["home/a/x", "home/b/y"] * (count // 2)

    def table(unit="us", zone="UTC", value=numbers):
        times = [time(n) if zone else time(n).replace(tzinfo=None) for n in range(count)]
        return pyarrow.table({
            "nested": [[1, 2]] * count,
            "time": pyarrow.array(times, pyarrow.timestamp(unit, tz=zone)),
            "topic": topics,
            "value": value,
        })

    readable = {
        "as it is": (table(), {}),
        "milliseconds": (table("ms"), {}),
        "nanoseconds": (table("ns"), {}),
        "gzip": (table(), {"compression": "gzip"}),
        "not packed": (table(), {"compression": "none"}),
        "second version": (table(), {"data_page_version": "2.0"}),
        "no dictionary": (table(), {"use_dictionary": False}),
        "small pages": (table(), {"data_page_size": 999, "row_group_size": 777}),
        "integers": (table(value=list(range(count))), {}),
        "32 bits": (table(value=pyarrow.array(range(count), pyarrow.uint32())), {}),
        "texts": (table(value=[str(number) for number in numbers]), {}),
    }
    for name, (rows, how) in readable.items():
        house = name.replace(" ", "-")
        path = os.path.join(SCRATCH, house + ".parquet")
        pyarrow.parquet.write_table(rows, path, **how)
        fine(house, "import", path)
        out = os.path.join(SCRATCH, house + ".jsonl")
        fine(house, "export", "-o", out)
        with open(out, encoding="utf-8") as file:
            read = [json.loads(line) for line in file]
        expected = [float(value) for value in rows.column("value").to_pylist()]
        assert [one["value"] for one in read] == expected, name
        assert [one["topic"] for one in read] == topics, name
        stamps = [time(n).isoformat(timespec="milliseconds").replace("+00:00", "Z") for n in range(count)]
        assert [one["time"] for one in read] == stamps, name
    refused = {
        "Zstandard": {"compression": "zstd"},
        "INT96": {"use_deprecated_int96_timestamps": True},
        "encoded in a way": {"use_dictionary": False,
                             "column_encoding": {"time": "DELTA_BINARY_PACKED"}},
    }
    for told, how in refused.items():
        path = os.path.join(SCRATCH, "refused.parquet")
        pyarrow.parquet.write_table(table().drop(["nested"]), path, **how)
        code, said = hearth("refused", "import", path)
        assert code == 1 and told in said, said
    print(f"Hearth reads pyarrow's: {len(readable)} ways, {len(refused)} refused with a reason")


ours_is_read()
theirs_is_read()
