"""`make bench`: prints a table and writes build/bench.json. It never asserts a time: machines differ, ratios tell."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import baseline, deciding, latency, memory, sending, throughput

TARGET = Path("build/bench.json")
out = Console(highlight=False)


def main() -> None:
    """Run everything, ours and the reference in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--reference-count", type=int, default=2_000)
    parser.add_argument("--shards", type=int, default=1, help="parts of the store, on one server")
    arguments = parser.parse_args()
    ours: list[throughput.Throughput] = []
    theirs: list[baseline.Baseline] = []
    for run, concurrency in zip(range(arguments.runs), (25, 50, 100), strict=False):
        ours.append(throughput.measure(_folder(), count=arguments.count, shards=arguments.shards))
        out.print(f"run {run + 1}: smsqueue {ours[-1].messages_per_second:.0f}/s, {ours[-1].ours:.0f} µs")
        theirs.append(baseline.measure(_folder(), count=arguments.reference_count, concurrency=concurrency))
        was = theirs[-1]
        out.print(f"run {run + 1}: reference {was.messages_per_second:.0f}/s, {was.cpu_us_per_message:.0f} µs")
    best = max(theirs, key=lambda one: one.messages_per_second)
    sends, delay, size = sending.measure(_folder()), latency.measure(_folder()), memory.measure(_folder())
    figures = _figures(ours, best, sends, delay, size)
    figures["decide"] = deciding.measure()._asdict()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(figures, indent=2) + "\n")
    _show(figures)


def _figures(
    ours: list[throughput.Throughput],
    best: baseline.Baseline,
    sends: sending.Sending,
    delay: latency.Latency,
    size: memory.Memory,
) -> dict[str, Any]:
    middle = {name: statistics.median(getattr(run, name) for run in ours) for name in throughput.Throughput._fields}
    total = statistics.median(run.ours for run in ours)
    return {
        "messages_per_second": middle["messages_per_second"],
        "cpu_us_per_message": {
            "sum": total,
            "accept": middle["accept"],
            "pump_and_dispatch": middle["dispatch"],
            "submit": middle["submit"],
        },
        "beside": {name: middle[name] for name in ("server", "broker", "simulator")},
        "reference": {
            "messages_per_second": best.messages_per_second,
            "cpu_us_per_message": best.cpu_us_per_message,
            "concurrency": best.concurrency,
        },
        "ratio": {
            "messages_per_second": middle["messages_per_second"] / best.messages_per_second,
            "cpu": best.cpu_us_per_message / total,
        },
        "redis": {"commands_per_message": middle["commands"], "script_calls_per_message": middle["calls"]},
        "send_per_second": sends.send_per_second,
        "send_many_per_second": sends.send_many_per_second,
        "celery_apply_async_per_second": sends.celery_apply_async_per_second,
        "accept_to_first_byte_ms": {"p50": delay.p50, "p99": delay.p99},
        "bytes_per_held_message": size.held,
        "bytes_per_held_message_with_idempotency_key": size.held_with_key,
        "bytes_per_final_message": size.final,
    }


def _show(figures: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        parts = value if isinstance(value, dict) else {"": value}
        for part, number in parts.items():
            table.add_row(f"{name} {part}".strip().replace("_", " "), f"{number:,.1f}")
    out.print(table)
    out.print(f"\nwritten to {TARGET}")


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="smsqueue-bench-"))


if __name__ == "__main__":
    main()
