#!/usr/bin/env python3
"""Does a folder of features of any size take constant memory, and go on after a kill? Copies one small slide until there are so many
patches, embeds them with `sslp embed --out DIR`, kills the process (SIGKILL) in the middle, gives the same command again, and reads
resident memory from /proc every second. Standard library only; Linux.

    bench/embed_many.py --sslp 'dotnet engine/SSLP.Cli/bin/Release/net10.0/sslp.dll' --out DIR [--patches 5000000]

Features of 5 M patches of a ResNet-18 are 10 GB. Leaves embed_many.csv (run, seconds, slides done, resident bytes) and ends with exit code
1 where a slide has no file, where a file that was whole before the kill was made again, or where the mean of the second run's last quarter
is above that of its second quarter by more than 5 % and 64 MB."""
import argparse, csv, os, shlex, shutil, signal, struct, subprocess, sys, time

PATCH = 8  # px, and the network's input: the work is in the number, not in the pixels


def call(options, *arguments):
    command = shlex.split(options.sslp) + list(arguments)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stderr


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


def whole_files(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".h5")) if os.path.isdir(folder) else []


def patches_of(manifest):
    with open(manifest, "rb") as file:
        return struct.unpack("<q", file.read(24)[16:])[0]


def embed(options, run, rows, until):
    """Runs until all is done, or kills the process when so many slides are done."""
    features = os.path.join(options.out, "features")
    command = shlex.split(options.sslp) + ["embed", "--encoder", os.path.join(options.out, "run", "encoder.safetensors"), "--tiles",
                                           os.path.join(options.out, "tiles.sslp"), "--out", features, "--batch-size", "1024"]
    begun = time.time()
    with open(os.path.join(options.out, f"log{run}.txt"), "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        while process.poll() is None:
            try:
                rows.append((run, round(time.time() - begun), len(whole_files(features)), resident(process.pid)))
            except (FileNotFoundError, ProcessLookupError, StopIteration):
                break
            if until is not None and rows[-1][2] >= until:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(1)
        code = process.wait()
    return code, time.time() - begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sslp", default="sslp", help="the command that runs sslp")
    parser.add_argument("--patches", type=int, default=5_000_000)
    parser.add_argument("--size", type=int, default=2048, help="side of the slide, px")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    slides, one = os.path.join(options.out, "slides"), os.path.join(options.out, "one")
    os.makedirs(slides)
    call(options, "synth", "--out", one, "--slides", "1", "--size", str(options.size), "--seed", "5")
    slide = next(name for name in os.listdir(one) if name.endswith((".tif", ".tiff", ".svs")))
    cut = ["--patch", str(PATCH), "--mpp", "0.5", "--tissue", "all", "--min-tissue", "0"]
    call(options, "tile", "--slides", one, "--out", os.path.join(options.out, "one.sslp"), *cut)
    copies = -(-options.patches // patches_of(os.path.join(options.out, "one.sslp")))
    for i in range(copies):
        # Not links: a slide that several links lead to is taken once.
        shutil.copyfile(os.path.join(one, slide), os.path.join(slides, f"slide{i:05}{os.path.splitext(slide)[1]}"))
    call(options, "tile", "--slides", slides, "--out", os.path.join(options.out, "tiles.sslp"), *cut)
    # Two steps on a slide of its own: what is wanted is an encoder's file.
    call(options, "synth", "--out", os.path.join(options.out, "small"), "--slides", "1", "--size", "512", "--patch", "64")
    call(options, "tile", "--slides", os.path.join(options.out, "small"), "--out", os.path.join(options.out, "small.sslp"), *cut)
    call(options, "pretrain", "--tiles", os.path.join(options.out, "small.sslp"), "--out", os.path.join(options.out, "run"),
         "--set", f"input_size={PATCH}", "--set", "batch_size=16", "--set", "max_steps=2")
    rows, features = [], os.path.join(options.out, "features")
    code, seconds = embed(options, 1, rows, copies // 2)
    first = {name: os.stat(os.path.join(features, name)).st_mtime_ns for name in whole_files(features)}
    print(f"killed with {len(first)} of {copies} slides done after {seconds:.0f} s; besides them lie "
          f"{len([name for name in os.listdir(features) if not name.endswith('.h5')])} unfinished files")
    code, seconds = embed(options, 2, rows, None)
    with open(os.path.join(options.out, "embed_many.csv"), "w", newline="") as table:
        csv.writer(table).writerows([("run", "seconds", "slides", "resident_bytes"), *rows])
    last = whole_files(features)
    made_again = [name for name, written in first.items() if os.stat(os.path.join(features, name)).st_mtime_ns != written]
    own = [row[3] for row in rows if row[0] == 2]
    before, after = (sum(part) / max(1, len(part)) for part in (own[len(own) // 4:len(own) // 2], own[3 * len(own) // 4:]))
    print(f"the same command: exit code {code} after {seconds:.0f} s, {len(last)} of {copies} files, {len(made_again)} made again, "
          f"{len(os.listdir(features)) - len(last)} unfinished files")
    print(f"patches {patches_of(os.path.join(options.out, 'tiles.sslp')):,}; "
          f"resident {before / 1e6:,.0f} MB in the second quarter, {after / 1e6:,.0f} MB in the last, "
          f"{max(row[3] for row in rows) / 1e6:,.0f} MB at most")
    sys.exit(1 if code != 0 or len(last) != copies or made_again or len(own) < 8 or after > max(1.05 * before, before + 64e6) else 0)
