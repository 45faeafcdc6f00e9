#!/usr/bin/env python3
"""What does a run on ten million patches take? Makes a manifest of N patches on links to one synthetic slide, prints the plan, trains a few
steps with clusterings among them, goes on from the checkpoint, and puts the host memory that this took beside what the plan said.
Standard library only; Linux. 10 M patches of width 64 take about 6 GB of memory and 8 GB of disk.

    bench/ten_million.py --sslp 'dotnet engine/SSLP.Cli/bin/Release/net10.0/sslp.dll' --out DIR
        [--patches 10000000] [--width 128] [--steps 6]

Leaves DIR/plan.txt, DIR/ten_million.json, DIR/ten_million.md and the run."""
import argparse, array, hashlib, json, os, re, shlex, struct, subprocess, sys, time

SIDE, PATCH, MPP = 4096, 16, 0.5
BATCH, INPUT, CLUSTER_EVERY = 32, 32, 3


def run(command, log):
    """Seconds of a command, the most resident bytes until it has its encoder, and at all: then follows the report."""
    started, trained, most = time.monotonic(), 0, 0
    with open(log, "w") as text, subprocess.Popen(command, stdout=text, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status") as status:
                    most = max([most] + [int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")])
                with open(log, errors="replace") as said:
                    if "encoder: " not in said.read():
                        trained = most
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.2)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command[:4])} … ended with exit code {process.returncode}; see {log}")
    return time.monotonic() - started, trained, most


def manifest(path, slide, patches):
    """The form of ManifestFile.cs, version 1: 64 bytes, a JSON header padded to 8, then slide, col and row as int32."""
    across = SIDE // PATCH
    each = across * across
    slides, names = -(-patches // each), []
    for i in range(slides):
        link = os.path.join(os.path.dirname(slide), "links", f"s{i:05}.tif")
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.link(slide, link)
        names.append(link)
    counts = [min(each, patches - i * each) for i in range(slides)]
    header = json.dumps({"patch_size": PATCH, "mpp": MPP, "min_tissue": 0.5, "upsample": False, "left_out": [], "slides": [
        {"name": os.path.basename(n), "path": n, "bytes": os.path.getsize(n), "width": SIDE, "height": SIDE, "mpp_x": MPP, "mpp_y": MPP,
         "mpp_source": "made", "patches": c} for n, c in zip(names, counts)]}).encode()
    header += b" " * (-len(header) % 8)
    digest = hashlib.sha256(header)
    with open(path, "wb") as out:
        out.write(b"\0" * 64 + header)
        grid = array.array("i", range(each))
        for column in (lambda i, c: array.array("i", [i]) * c, lambda i, c: array.array("i", [p % across for p in grid[:c]]),
                       lambda i, c: array.array("i", [p // across for p in grid[:c]])):
            last = None
            for i, count in enumerate(counts):
                last = column(i, count).tobytes()
                digest.update(last)
                out.write(last)
        out.seek(0)
        out.write(b"SSLPTILE" + struct.pack("<iiq", 1, len(header), patches) + digest.digest())


def parts(plan):
    """Rows of the plan: (bytes or seconds as text, what) of memory, disk and an epoch."""
    found, at = {"memory": [], "disk": [], "an epoch": []}, None
    for line in plan.splitlines():
        if (name := next((n for n in found if re.match(rf"\s*{n}(\s|$)", line)), None)):
            at = name
        elif at and (match := re.match(r"\s*([\d.,]+ (?:GB|MB|kB|s))  (.+)", line)):
            found[at].append((match.group(1), match.group(2)))
        elif at and line.strip().startswith("device"):
            at = None
    return found


def times_ten(text):
    number, unit = text.replace(",", "").split()
    value = float(number) * 10
    if unit == "s":
        return f"{value:,.0f} s" if value < 36_000 else f"{value / 3600:,.1f} h"
    for smaller, larger in (("kB", "MB"), ("MB", "GB")):
        if unit == smaller and value >= 1000:
            value, unit = value / 1000, larger
    return f"{value:,.2f} {unit}"


def table(path, options, plan, result):
    """What was planned, what was seen, and the plan's formulas at ten times as many rows."""
    n, lines = options.patches, []
    lines += [f"# {n:,} patches", "", f"Made by `bench/ten_million.py --patches {n} --width {options.width} --steps {options.steps}` on "
              f"{result['processor']}, {os.cpu_count()} cores, niceness {os.nice(0)}.", "",
              f"Patches of {PATCH} px on links to one synthetic slide, batches of {BATCH}, {INPUT} px inputs; a clustering after every "
              f"{CLUSTER_EVERY} steps. Bytes are the plan's; times are its estimate from pieces measured on the spot.", "",
              f"| Part | {n:,} | ten times as many, computed |", "|---|---|---|"]
    for name, rows in parts(plan).items():
        for size, what in rows:
            # What has no N, and no epoch, in its formula does not grow.
            formula = what.split("(")[0].replace("momentum", "")
            grows = name == "an epoch" or "N" in formula or what.startswith(("order", "labels", "rows", "the whole"))
            tenfold = "" if what.startswith("in all") else times_ten(size) if grows else size
            lines.append(f"| {name}: {what} | {size} | {tenfold} |")
    lines += ["", "| Seen | |", "|---|---|"] + [f"| {key.replace('_', ' ')} | {value:,} |" if isinstance(value, (int, float))
                                                else f"| {key.replace('_', ' ')} | {value} |" for key, value in result.items()]
    with open(path, "w") as text:
        text.write("\n".join(lines) + "\n")


def processor():
    with open("/proc/cpuinfo") as text:
        return next((line.split(":", 1)[1].strip() for line in text if line.startswith("model name")), "an unknown processor")


def lines_of(folder):
    with open(os.path.join(folder, "metrics.jsonl")) as lines:
        return [json.loads(line) for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sslp", default="sslp", help="the command that runs sslp")
    parser.add_argument("--out", required=True)
    parser.add_argument("--patches", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--steps", type=int, default=6)
    options = parser.parse_args()
    sslp, out = shlex.split(options.sslp), os.path.abspath(options.out)
    os.makedirs(out, exist_ok=True)
    slides, tiles, folder = os.path.join(out, "slides"), os.path.join(out, "tiles.sslp"), os.path.join(out, "run")
    if os.path.exists(folder):
        sys.exit(f"{folder} is there: name another --out, or remove it")
    if not os.path.isdir(slides):
        run([*sslp, "synth", "--out", slides, "--slides", "1", "--size", str(SIDE)], os.path.join(out, "synth.txt"))
    slide = next(os.path.join(slides, f) for f in sorted(os.listdir(slides)) if f.endswith(".tif"))
    manifest(tiles, slide, options.patches)
    command = [*sslp, "pretrain", "--tiles", tiles, "--out", folder]
    for pair in (f"width={options.width}", f"batch_size={BATCH}", f"input_size={INPUT}", "epochs=100", f"checkpoint_every={options.steps}",
                 "watch_every=0", f"max_steps={options.steps + 2}", f"cluster_every={CLUSTER_EVERY}",
                 "clusters=200", "cluster_iterations=3"):
        command += ["--set", pair]
    run([*command, "--plan"], os.path.join(out, "plan.txt"))
    with open(os.path.join(out, "plan.txt")) as text:
        plan = text.read()
    print(plan, flush=True)
    said = re.search(r"([\d.]+ (?:GB|MB))  in all, of", plan)
    seconds, trained, most = run(command, os.path.join(out, "log.txt"))
    steps = lines_of(folder)
    checkpoints = os.path.join(folder, "checkpoints")
    written = {f: os.path.getsize(os.path.join(checkpoints, f)) for f in sorted(os.listdir(checkpoints))}
    # What was saved is read again, and goes on: the last two steps once more.
    whole = os.path.join(checkpoints, f"step-{options.steps:09}.safetensors")
    resumed, trained_resumed, _ = run([*command, "--resume-from", whole], os.path.join(out, "resumed.txt"))
    again = lines_of(folder)
    if [(s["step"], s["loss"], s["inter"]) for s in steps] != [(s["step"], s["loss"], s["inter"]) for s in again]:
        sys.exit("the resumed run has other losses than the first: see resumed.txt")
    times = [BATCH / s["patches_per_second"] for s in steps]
    clustered = [t for s, t in zip(steps, times) if s["step"] > 1 and (s["step"] - 1) % CLUSTER_EVERY == 0]
    plain = [t for s, t in zip(steps, times) if s["step"] > 1 and (s["step"] - 1) % CLUSTER_EVERY != 0]
    result = {"patches": options.patches, "width": options.width, "processor": processor(), "steps": len(steps),
              "planned": said and said.group(1),
              "most_resident_bytes_in_training": trained,
              "most_resident_bytes_resumed": trained_resumed, "most_resident_bytes_with_the_report": most,
              "seconds_of_the_run": round(seconds, 1),
              "seconds_of_the_resumed_run": round(resumed, 1), "step_s": round(min(plain), 2),
              "step_with_a_clustering_s": round(min(clustered), 2),
              "feature_set_at_the_end": steps[-1]["feature_size"], "losses_again_after_the_checkpoint": "the same to the last bit",
              "checkpoint_bytes": " and ".join(f"{bytes:,} ({name})" for name, bytes in written.items())}
    with open(os.path.join(out, "ten_million.json"), "w") as text:
        json.dump(result, text, indent=1)
    table(os.path.join(out, "ten_million.md"), options, plan, result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
