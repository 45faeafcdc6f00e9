#!/usr/bin/env python3
"""Is a long training flat? Runs `sslp pretrain` for some steps, reads its resident memory and open handles from /proc every second,
and draws both over the steps done. Standard library only; Linux.

    bench/long_run.py --sslp 'dotnet engine/SSLP.Cli/bin/Release/net10.0/sslp.dll' --slides DIR --out DIR [--steps 2000]
    bench/long_run.py --soak soak.json --out DIR        # the series of: sslp bench soak --slides DIR --batches 20000 --json > soak.json

Leaves long_run.csv and long_run.svg, and ends with exit code 1 where the last half's mean is above the second quarter's by more than
the allowance (memory 5 %, handles 2)."""
import argparse, csv, json, os, shlex, subprocess, sys, time


def resident_and_handles(pid):
    with open(f"/proc/{pid}/status") as status:
        kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return kilobytes * 1024, len(os.listdir(f"/proc/{pid}/fd"))


def steps_done(metrics):
    try:
        with open(metrics, "rb") as lines:
            return sum(1 for _ in lines)
    except FileNotFoundError:
        return 0


def train(options):
    run = os.path.join(options.out, "run")
    command = shlex.split(options.sslp) + ["pretrain", "--slides", options.slides, "--out", run,
                                             "--set", f"max_steps={options.steps}", "--set", "epochs=100000"]
    for pair in options.set:
        command += ["--set", pair]
    rows = []
    with open(os.path.join(options.out, "log.txt"), "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        while process.poll() is None:
            try:
                rows.append((steps_done(os.path.join(run, "metrics.jsonl")), *resident_and_handles(process.pid)))
            except (FileNotFoundError, ProcessLookupError, StopIteration):
                break
            time.sleep(1)
        if process.wait() != 0:
            sys.exit(f"the run ended with exit code {process.returncode}: see {log.name}")
    return [("step", "resident_bytes", "handles")] + [row for row in rows if 0 < row[0] < options.steps]


def soaked(path):
    with open(path) as report:
        series = json.load(report)["series"]
    names = ("batch", "resident_bytes", "handles", "heap_bytes")
    return [names] + [tuple(row[name] for name in names) for row in series]


def plot(path, names, rows):
    width, height, gap, left = 720, 150, 40, 90
    last, parts = max(row[0] for row in rows) or 1, []
    for panel, name in enumerate(names[1:], start=1):
        values, top = [row[panel] for row in rows], panel * gap + (panel - 1) * height
        most = max(values) or 1
        points = " ".join(f"{left + row[0] / last * (width - left - 10):.1f},{top + height * (1 - row[panel] / most):.1f}" for row in rows)
        parts.append(f'<text x="4" y="{top - 8}">{name}, at most {most:,}</text>'
                     f'<line x1="{left}" y1="{top + height}" x2="{width - 10}" y2="{top + height}" stroke="#999"/>'
                     f'<polyline fill="none" stroke="#06c" points="{points}"/>')
    total = len(names[1:]) * (height + gap) + 30
    parts.append(f'<text x="{left}" y="{total - 8}">{names[0]} 0 … {last:,}</text>')
    with open(path, "w") as svg:
        svg.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" font-family="sans-serif" font-size="12">'
                  f'{"".join(parts)}</svg>\n')


def rises(names, rows):
    quarter, half = rows[len(rows) // 4:len(rows) // 2], rows[len(rows) // 2:]
    for panel, name in enumerate(names[1:], start=1):
        before, after = (sum(row[panel] for row in part) / len(part) for part in (quarter, half))
        allowance = 2 if name == "handles" else 0.05 * before
        print(f"{name}: {before:,.0f} in the second quarter, {after:,.0f} in the last half"
              f"{'  RISES' if after - before > allowance else ''}")
        yield after - before > allowance


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sslp", default="sslp", help="the command that runs sslp")
    parser.add_argument("--slides", help="a folder of slides")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--set", action="append", default=[], help="an option of the run, key=value")
    parser.add_argument("--soak", help="a report of sslp bench soak --json, in place of a training")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    names, *rows = soaked(options.soak) if options.soak else train(options)
    if len(rows) < 8:
        sys.exit(f"{len(rows)} readings are too few to say anything: more steps")
    with open(os.path.join(options.out, "long_run.csv"), "w", newline="") as table:
        csv.writer(table).writerows([names, *rows])
    plot(os.path.join(options.out, "long_run.svg"), names, rows)
    sys.exit(1 if any(list(rises(names, rows))) else 0)
