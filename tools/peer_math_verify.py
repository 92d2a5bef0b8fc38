#!/usr/bin/env python3
"""Math-Verify on what bench_math measures: verdicts per second on one core, and the slowest of a file of cases.

pip install "math-verify==0.9.0" antlr4-python3-runtime==4.13.2; tools/peer_math_verify.py [cases.jsonl]
"""
import json
import sys
import time

from math_verify import parse, verify


def judged(gold, text):
    return verify(parse(gold), parse(text))


def main():
    numbers = [(str(37 * i % 10007), f"So the sum is $\\boxed{{{37 * (i - i % 2) % 10007}.0}}$.") for i in range(1000)]
    judged(*numbers[0])
    start = time.perf_counter()
    right = sum(judged(*pair) for pair in numbers)
    print(f"plain numbers        {len(numbers) / (time.perf_counter() - start):.0f} verdicts/s ({right} right)")
    if len(sys.argv) < 2:
        return
    rows = [row for row in map(json.loads, open(sys.argv[1])) if "gold" in row and "pred" in row]
    times = []
    for row in rows:
        for _ in range(3):
            start = time.perf_counter()
            judged(row["gold"], row["pred"])
            times.append(time.perf_counter() - start)
    times.sort()
    at = lambda share: 1e3 * times[int(share * (len(times) - 1))]
    print(f"{len(rows)} rows of cases    {len(times) / sum(times):.0f} verdicts/s; median {at(0.5):.3f} ms, "
          f"99th percentile {at(0.99):.3f} ms, slowest {at(1):.3f} ms")


if __name__ == "__main__":
    main()
