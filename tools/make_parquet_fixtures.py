#!/usr/bin/env python3
"""Writes tests/fixtures/parquet: small Parquet files, and the rows that they hold as pyarrow reads them.

NAME.jsonl has the rows of every NAME.parquet and NAME.VARIANT.parquet; refused.*.parquet have none.
Needs pyarrow (26.0.1 wrote the files that are kept) and numpy. Seeds are fixed.
"""
import datetime
import decimal
import json
import math
import pathlib
import random
import struct
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/fixtures/parquet"
TEXTS = ["", "a", "What is 7 * 8?", 'quote " backslash \\ slash /', "line\nline\ttab\x00\x1f\x7f", "수학 문제 😀", "é" * 40, "x" * 300]


def moment(value, unit):
    """An integer of that unit since 1970, as 2024-01-31T12:34:56.789."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    seconds, rest = divmod(value, per_second)
    text = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)).isoformat()
    return text + "." + str(rest).zfill(len(str(per_second)) - 1)


def plain(scalar):
    """A scalar of Arrow as docs/data.md says that it is read."""
    if not scalar.is_valid:
        return None
    t = scalar.type
    if pa.types.is_struct(t):
        return {name: plain(scalar[name]) for name in t.names}
    if pa.types.is_map(t):
        out = {}
        for entry in scalar.values:
            key = plain(entry["key"])
            out[key if isinstance(key, str) else json.dumps(key)] = plain(entry["value"])
        return out
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return [plain(item) for item in scalar.values]
    if pa.types.is_timestamp(t):
        return moment(scalar.value, t.unit) + ("Z" if t.tz else "")
    if pa.types.is_time(t):
        return moment(scalar.value, t.unit).split("T")[1]
    if pa.types.is_duration(t):
        return scalar.value
    value = scalar.as_py()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (datetime.date, uuid.UUID)):
        return str(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def rows_of(path):
    table = pq.read_table(path)
    columns = [[plain(scalar) for scalar in column] for column in table.columns]
    return [dict(zip(table.column_names, row)) for row in zip(*columns)]


def expect(name):
    """Writes NAME.jsonl from the first of the files, after all were found to hold the same."""
    files = sorted(OUT.glob(f"{name}.parquet")) + sorted(OUT.glob(f"{name}.*.parquet"))
    rows = [rows_of(path) for path in files]
    assert all(r == rows[0] for r in rows), name
    with open(OUT / f"{name}.jsonl", "w") as f:
        for row in rows[0]:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def write(name, table, **options):
    pq.write_table(table, OUT / f"{name}.parquet", **options)


def with_nulls(values, r, count=40):
    return [None if r.random() < 0.2 else r.choice(values) for _ in range(count)]


def types():
    r = random.Random(1)
    D = decimal.Decimal
    columns = {
        "bool": (pa.bool_(), [True, False]),
        "int8": (pa.int8(), [-128, 0, 127]),
        "int16": (pa.int16(), [-32768, 5]),
        "int32": (pa.int32(), [-2**31, 2**31 - 1, -1]),
        "int64": (pa.int64(), [-2**63, 2**63 - 1, 0]),
        "uint8": (pa.uint8(), [255, 1]),
        "uint16": (pa.uint16(), [65535]),
        "uint32": (pa.uint32(), [2**32 - 1, 7]),
        "uint64": (pa.uint64(), [2**64 - 1, 7]),
        "float16": (pa.float16(), [0.5, -2.25, 65504.0, 6e-8, float("inf"), float("nan"), 0.0]),
        "float": (pa.float32(), [0.1, -1.0, 3.4e38, 1e-45, float("nan"), 1e22]),
        "double": (pa.float64(), [0.1, 1.0, -1e300, 5e-324, float("-inf"), 123456789012345680.0, 1e16]),
        "text": (pa.string(), TEXTS),
        "bytes": (pa.binary(), [t.encode() for t in TEXTS]),
        "fixed": (pa.binary(3), [b"abc", b"xyz"]),
        "category": (pa.dictionary(pa.int32(), pa.string()), ["north", "south"]),
        "decimal_5_2": (pa.decimal128(5, 2), [D("-999.99"), D("0.05"), D("0.00")]),
        "decimal_18_0": (pa.decimal128(18, 0), [D(10**17), D(-1)]),
        "decimal_38_20": (pa.decimal128(38, 20), [D("-123456789012345678.12345678901234567890"), D("1E-20")]),
        "decimal_76_1": (pa.decimal256(76, 1), [D(-10**74), D("0.1")]),
        "date": (pa.date32(), [datetime.date(1600, 2, 29), datetime.date(1969, 12, 31), datetime.date(9999, 12, 31)]),
        "time_ms": (pa.time32("ms"), [0, 86399999]),
        "time_us": (pa.time64("us"), [0, 86399999999]),
        "time_ns": (pa.time64("ns"), [1, 86399999999999]),
        "at_ms": (pa.timestamp("ms"), [-1, 0, 1706704496789]),
        "at_us": (pa.timestamp("us", "UTC"), [-1, 0, 1706704496789123]),
        "at_ns": (pa.timestamp("ns"), [-1, 0, 1706704496789123456]),
        "at_zone": (pa.timestamp("ms", "Asia/Seoul"), [1706704496789]),
        "duration": (pa.duration("us"), [-5, 77]),
        "uuid": (pa.uuid(), [uuid.UUID(int=1).bytes, uuid.UUID(int=2**127 + 77).bytes]),
        "json": (pa.json_(), ['{"a": [1, 2]}', "null"]),
        "nothing": (pa.null(), [None]),
    }
    table = pa.table({name: pa.array(with_nulls(values, r), type) for name, (type, values) in columns.items()})
    write("types.none", table, compression="none")
    write("types.checksum", table, compression="zstd", write_page_checksum=True, data_page_version="2.0")
    expect("types")
    at = pa.table({"at": pa.array([None, 0, -1, 1706704496789123456], pa.timestamp("ns"))})
    write("int96", at, use_deprecated_int96_timestamps=True)
    expect("int96")


def codecs():
    r = random.Random(2)
    words = ["the", "number", "of", "apples", "is", "seven", "多少", "so", "we", "add"]
    table = pa.table({
        "prompt": [" ".join(r.choice(words) for _ in range(r.randrange(60))) for _ in range(50)] + ["ab" * 2000, "z" * 3000, "".join(chr(r.randrange(97, 123)) for _ in range(300))],
        "score": pa.array([r.gauss(0, 1) for _ in range(53)]),
    })
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
        for version in ["1.0", "2.0"]:
            write(f"codecs.{codec}{version[0]}", table, compression=codec, data_page_version=version, use_dictionary=False)
    expect("codecs")
    write("refused.brotli", table.slice(0, 3), compression="brotli")
    write("refused.bytes", pa.table({"name": ["a", "b", "c"], "image": [{"bytes": b"ok"}, None, {"bytes": b"\x89PNG\xff"}]}))


def encodings():
    r = random.Random(3)
    n = 200
    walk, at = [], 0
    for _ in range(n):
        at += r.randrange(-3, 50)
        walk.append(at)
    names = sorted(r.choice(TEXTS) + str(r.randrange(1000)) for _ in range(n))

    def holes(values):
        return [None if i % 7 == 3 else v for i, v in enumerate(values)]

    columns = [
        ("delta32", pa.array(walk, pa.int32()), "DELTA_BINARY_PACKED"),
        ("delta32_wraps", pa.array([r.choice([-2**31, 2**31 - 1, 0]) for _ in range(n)], pa.int32()), "DELTA_BINARY_PACKED"),
        ("delta64", pa.array(holes([v * 10**9 for v in walk])), "DELTA_BINARY_PACKED"),
        ("delta64_wraps", pa.array([r.choice([-2**63, 2**63 - 1, 0]) for _ in range(n)], pa.int64()), "DELTA_BINARY_PACKED"),
        ("delta_equal", pa.array([7] * n), "DELTA_BINARY_PACKED"),
        ("lengths", pa.array(holes(names)), "DELTA_LENGTH_BYTE_ARRAY"),
        ("prefixes", pa.array(holes(names)), "DELTA_BYTE_ARRAY"),
        ("prefixes_fixed", pa.array([f"{v:08}".encode() for v in walk], pa.binary(8)), "DELTA_BYTE_ARRAY"),
        ("split_float", pa.array(holes([r.gauss(0, 1) for _ in range(n)]), pa.float32()), "BYTE_STREAM_SPLIT"),
        ("split_double", pa.array([r.gauss(0, 1) for _ in range(n)]), "BYTE_STREAM_SPLIT"),
        ("split_int32", pa.array(holes(walk), pa.int32()), "BYTE_STREAM_SPLIT"),
        ("split_int64", pa.array(walk), "BYTE_STREAM_SPLIT"),
        ("split_fixed", pa.array([f"{v:05}".encode() for v in walk], pa.binary(5)), "BYTE_STREAM_SPLIT"),
        ("runs", pa.array(holes([i // 30 % 2 == 0 or r.random() < 0.1 for i in range(n)])), "RLE"),
        ("bits", pa.array(holes([r.random() < 0.5 for _ in range(n)])), "PLAIN"),
        ("all_null", pa.array([None] * n, pa.int64()), "DELTA_BINARY_PACKED"),
        ("all_null_text", pa.array([None] * n, pa.string()), "DELTA_BYTE_ARRAY"),
    ]
    table = pa.table({name: values for name, values, _ in columns})
    for version in ["1.0", "2.0"]:
        write(f"encodings.page{version[0]}", table, data_page_version=version, use_dictionary=False,
              column_encoding={name: encoding for name, _, encoding in columns}, data_page_size=600, write_batch_size=60)
    expect("encodings")
    r = random.Random(4)  # a dictionary that grows too large in each group, and one that has one value, and one of numbers
    table = pa.table({
        "text": [f"{r.randrange(200)} {r.choice(TEXTS[:4])}" for _ in range(700)],
        "same": ["same"] * 700,
        "number": pa.array([None if r.random() < 0.5 else r.randrange(300) for _ in range(700)]),
    })
    write("dictionary.fallback", table, dictionary_pagesize_limit=1024, data_page_size=1024, write_batch_size=50, row_group_size=250)
    write("dictionary.whole", table, data_page_size=200, write_batch_size=30, version="1.0", data_page_version="2.0")
    expect("dictionary")


def nested():
    r = random.Random(5)

    def maybe(make, none=0.15):
        return None if r.random() < none else make()

    def some(make, most=4):
        return lambda: [maybe(make) for _ in range(r.randrange(most))]

    def text():
        return r.choice(TEXTS[:6])

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([
        pa.field("messages", pa.list_(message)),
        pa.field("reward_model", pa.struct([("ground_truth", pa.string()), ("style", pa.string())])),
        pa.field("extra_info", pa.struct([("index", pa.int64()), ("split", pa.struct([("name", pa.string()), ("parts", pa.list_(pa.int32()))]))])),
        pa.field("grid", pa.list_(pa.list_(pa.list_(pa.int32())))),
        pa.field("pairs", pa.list_(pa.struct([("key", pa.string()), ("values", pa.list_(pa.float64())), ("more", pa.list_(pa.struct([("a", pa.bool_())])))]))),
        pa.field("map", pa.map_(pa.string(), pa.int64())),
        pa.field("maps", pa.list_(pa.map_(pa.int32(), pa.list_(pa.struct([("x", pa.string())]))))),
        pa.field("never", pa.list_(pa.field("item", pa.int64(), nullable=False)), nullable=False),
        pa.field("always", pa.struct([pa.field("a", pa.int32(), nullable=False), ("b", pa.list_(pa.string()))]), nullable=False),
        pa.field("tuple", pa.list_(pa.int32(), 2)),
        pa.field("wide", pa.large_list(pa.large_string())),
    ])

    def row():
        number = lambda: r.randrange(-9, 99)
        return {
            "messages": maybe(some(lambda: {"role": maybe(lambda: r.choice(["user", "assistant"])), "content": maybe(text)})),
            "reward_model": maybe(lambda: {"ground_truth": maybe(text), "style": maybe(lambda: "rule")}),
            "extra_info": maybe(lambda: {"index": maybe(number), "split": maybe(lambda: {"name": maybe(text), "parts": maybe(some(number))})}),
            "grid": maybe(some(some(some(number)))),
            "pairs": maybe(some(lambda: {"key": maybe(text), "values": maybe(some(lambda: r.randrange(8) / 4)), "more": maybe(some(lambda: {"a": maybe(lambda: r.random() < 0.5)}))})),
            "map": maybe(lambda: {k: maybe(number) for k in r.sample(TEXTS, r.randrange(4))}.items()),
            "maps": maybe(some(lambda: [(k, maybe(some(lambda: {"x": maybe(text)}))) for k in r.sample(range(9), r.randrange(3))])),
            "never": [number() for _ in range(r.randrange(3))],
            "always": {"a": number(), "b": maybe(some(text))},
            "tuple": [number(), maybe(number)],
            "wide": maybe(some(text)),
        }

    rows = [row() for _ in range(60)]
    for row_ in rows:
        row_["map"] = None if row_["map"] is None else list(row_["map"])
    table = pa.Table.from_pylist(rows, schema)
    write("nested.one", table, compression="zstd")
    write("nested.many", table, row_group_size=16, data_page_size=100, write_batch_size=7, compression="none", use_compliant_nested_type=False)
    write("nested.page2", table, row_group_size=35, data_page_size=100, write_batch_size=7, data_page_version="2.0", use_dictionary=False)
    expect("nested")


def small():
    empty = pa.schema([("prompt", pa.string()), ("answers", pa.list_(pa.int64()))])
    write("empty.no_rows", pa.Table.from_pylist([], empty))
    pq.ParquetWriter(OUT / "empty.no_groups.parquet", empty).close()
    expect("empty")
    names = ["prompt", 'quote"back\\', "dot.ted", "공백 😀", ""]
    write("names", pa.table({name: [name, str(i)] for i, name in enumerate(names)}))
    expect("names")
    tiny = pa.Table.from_pylist([{"q": "2+2", "a": [4, None]}, {"q": None, "a": []}, {"q": "7*8=", "a": None}])
    write("tiny.snappy", tiny)
    write("tiny.plain", tiny, compression="none", use_dictionary=False, store_schema=False, write_statistics=False, data_page_version="2.0", write_page_checksum=True)
    expect("tiny")
    few = pa.table({"n": pa.array([5, None, 7, 1000], pa.int32()), "s": ["ab", "abc", None, "abd"], "l": ["x", "", "yy", None], "f": [0.5, None, 1.0, 2.0], "b": [True, None, False, False]})
    write("few", few, compression="lz4", use_dictionary=False, store_schema=False, write_statistics=False,
          column_encoding={"n": "DELTA_BINARY_PACKED", "s": "DELTA_BYTE_ARRAY", "l": "DELTA_LENGTH_BYTE_ARRAY", "f": "BYTE_STREAM_SPLIT", "b": "RLE"})
    expect("few")


# Files of old, which pyarrow reads and does not write: their bytes by hand.


class I64(int):
    pass


def varint(n):
    return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])


def compact(value):
    """Type and bytes of a value in Thrift's compact protocol; a dict is a structure by the numbers of its fields."""
    if isinstance(value, int):
        return (6 if isinstance(value, I64) else 5), varint(value * 2 if value >= 0 else -value * 2 - 1)
    if isinstance(value, str):
        return 8, varint(len(value)) + value.encode()
    if isinstance(value, list):
        items = [compact(item) for item in value]
        return 9, bytes([0xF0 | items[0][0]]) + varint(len(items)) + b"".join(body for _, body in items)
    out, last = b"", 0
    for field, item in value.items():
        kind, body = compact(item)
        out += bytes([(field - last) << 4 | kind]) + body
        last = field
    return 12, out + b"\0"


INT32, INT64, BYTES = 1, 2, 6
REQUIRED, OPTIONAL, REPEATED = 0, 1, 2
UTF8, MAP, LIST = 0, 1, 3


def levels(values, width):
    """One packed run behind its size."""
    values = values + [0] * (-len(values) % 8)
    body = varint(len(values) // 8 << 1 | 1) + sum(v << (i * width) for i, v in enumerate(values)).to_bytes(len(values) // 8 * width, "little")
    return struct.pack("<I", len(body)) + body


def runs(*values):
    """(level, count) each, behind their size."""
    body = b"".join(varint(count << 1) + bytes([level]) for level, count in values)
    return struct.pack("<I", len(body)) + body


def ints(*values):
    return struct.pack(f"<{len(values)}i", *values)


def strings(*values):
    return b"".join(struct.pack("<I", len(v)) + v.encode() for v in values)


def by_hand(name, rows, schema, columns):
    """schema: (name, type, repetition, fields, converted type); columns: (type, path, entries, page)."""
    file, chunks = b"PAR1", []
    for kind, path, entries, page in columns:
        begin = len(file)
        file += compact({1: 1, 2: 2, 3: 2})[1] + b"xx"  # an index page, to be passed over
        file += compact({1: 0, 2: len(page), 3: len(page), 5: {1: entries, 2: 0, 3: 3, 4: 3}})[1] + page
        size = I64(len(file) - begin)
        chunks.append({2: I64(begin), 3: {1: kind, 2: [0, 3], 3: path.split("."), 4: 0, 5: I64(entries), 6: size, 7: size, 9: I64(begin)}})
    elements = [{k: v for k, v in zip((1, 3, 4, 5, 6), (kind, repetition, label, fields, converted)) if v is not None} for label, kind, repetition, fields, converted in schema]
    total = I64(len(file))
    footer = compact({1: 1, 2: elements, 3: I64(rows), 4: [{1: chunks, 2: total, 3: I64(rows)}]})[1]
    (OUT / f"{name}.parquet").write_bytes(file + footer + struct.pack("<I", len(footer)) + b"PAR1")


def legacy():
    """Lists without a group around the item, and a repeated field that no list annotates."""
    group = lambda name, repetition, fields, converted=None: (name, None, repetition, fields, converted)
    by_hand("legacy_lists", 3, [
        group("schema", None, 6),
        ("bare", INT32, REPEATED, None, None),
        group("items", OPTIONAL, 1, LIST), ("element", INT32, REPEATED, None, None),
        group("pairs", OPTIONAL, 1, LIST), group("pair", REPEATED, 2), ("a", INT32, REQUIRED, None, None), ("b", BYTES, OPTIONAL, None, UTF8),
        group("array_items", REQUIRED, 1, LIST), group("array", REPEATED, 1), ("x", INT32, OPTIONAL, None, None),
        group("named", REQUIRED, 1, LIST), group("named_tuple", REPEATED, 1), ("x", INT32, REQUIRED, None, None),
        group("bag", OPTIONAL, 1, LIST), group("bag", REPEATED, 1), ("array_element", BYTES, OPTIONAL, None, UTF8),
    ], [
        (INT32, "bare", 4, levels([0, 0, 1, 0], 1) + levels([0, 1, 1, 1], 1) + ints(1, 2, 3)),
        (INT32, "items.element", 4, levels([0, 0, 0, 1], 1) + levels([1, 0, 2, 2], 2) + ints(7, 8)),
        (INT32, "pairs.pair.a", 4, levels([0, 1, 0, 0], 1) + levels([2, 2, 1, 0], 2) + ints(4, 5)),
        (BYTES, "pairs.pair.b", 4, levels([0, 1, 0, 0], 1) + levels([3, 2, 1, 0], 2) + strings("four")),
        (INT32, "array_items.array.x", 4, levels([0, 0, 1, 0], 1) + levels([0, 2, 1, 2], 2) + ints(11, 12)),
        (INT32, "named.named_tuple.x", 3, levels([0, 0, 0], 1) + levels([1, 0, 1], 1) + ints(21, 22)),
        (BYTES, "bag.bag.array_element", 4, levels([0, 0, 0, 1], 1) + levels([0, 1, 3, 2], 2) + strings("only")),
    ])
    a_map = [
        group("schema", None, 1),
        group("m", OPTIONAL, 1, MAP), group("map", REPEATED, 2, MAP), ("key", BYTES, REQUIRED, None, UTF8), ("value", INT32, OPTIONAL, None, None),
    ]
    keys = lambda *names: (BYTES, "m.map.key", 3, levels([0, 1, 0], 1) + levels([2, 2, 1], 2) + strings(*names))
    values = (INT32, "m.map.value", 3, levels([0, 1, 0], 1) + levels([3, 2, 1], 2) + ints(5))
    by_hand("legacy_map", 2, a_map, [keys("a", "b"), values])
    expect("legacy_lists")
    expect("legacy_map")
    by_hand("refused.keys", 2, a_map, [keys("a", "a"), values])
    by_hand("refused.columns", 2, a_map, [keys("a", "b")])
    by_hand("refused.types", 2, a_map, [keys("a", "b"), (INT64, *values[1:])])
    by_hand("refused.level", 2, a_map[:-1] + [group("value", OPTIONAL, 1), ("x", INT32, OPTIONAL, None, None)], [keys("a", "b"), (INT32, "m.map.value.x", 3, levels([0, 1, 0], 1) + levels([7, 2, 1], 3) + ints(5))])
    by_hand("refused.more", 1, a_map, [keys("a", "b"), values])
    by_hand("refused.fewer", 3, a_map, [keys("a", "b"), values])
    # Small files that claim much: rows without end, one row without end, two lists beside each other that differ.
    by_hand("refused.rows", 2**31 - 1, [group("schema", None, 1), ("a", INT32, OPTIONAL, None, None)], [(INT32, "a", 2**31 - 1, runs((0, 2**31 - 1)))])
    by_hand("refused.row", 1, [group("schema", None, 1), group("l", OPTIONAL, 1, LIST), group("list", REPEATED, 1), ("a", INT32, OPTIONAL, None, None)],
            [(INT32, "l.list.a", 2**31 - 1, runs((0, 1), (1, 2**31 - 2)) + runs((2, 2**31 - 1)))])
    lists = [group("schema", None, 1), group("l", REQUIRED, 1, LIST), group("list", REPEATED, 2), ("a", INT32, REQUIRED, None, None), ("b", INT32, REQUIRED, None, None)]
    by_hand("refused.levels", 2, lists, [
        (INT32, "l.list.a", 3, levels([0, 1, 0], 1) + levels([1, 1, 1], 1) + ints(1, 2, 3)),
        (INT32, "l.list.b", 3, levels([0, 0, 1], 1) + levels([1, 1, 1], 1) + ints(1, 2, 3)),
    ])


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for make in (types, codecs, encodings, nested, small, legacy):
        make()
    print(f"pyarrow {pa.__version__}:", len(list(OUT.glob("*.parquet"))), "files,", sum(f.stat().st_size for f in OUT.iterdir()), "bytes")
