"""The wheel, by the standard library alone: python3 -m pip wheel --no-deps interop/python

A build backend after PEP 517. The package is Python and the shared libraries of artifacts/native/lib, or of the folder SSLP_WHEEL_LIB; libtorch, 460 MB,
is left out: training names the lib folder of a torch (Context(libtorch=...)), all else needs none.
"""

import base64
import hashlib
import os
import sys
import sysconfig
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME, VERSION = "sslp", "0.1.0"
LEFT_OUT = ("libtorch", "libc10", "libgomp", "libtorch_cpu", "libtorch_global_deps", "libshm")


def libraries():
    folder = Path(os.environ.get("SSLP_WHEEL_LIB") or HERE.parent.parent / "artifacts" / "native" / "lib")
    found = sorted(p for p in folder.rglob("*.so*") if p.suffix != ".dbg" and not p.name.startswith(LEFT_OUT)) if folder.is_dir() else []
    if not any(p.name.startswith("libsslp") for p in found):
        raise SystemExit(f"There is no libsslp in {folder}: build.ps1 native makes it, or name its folder in SSLP_WHEEL_LIB.")
    return folder, found


def metadata():
    return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\nSummary: Self-supervised pretraining on whole-slide pathology images\n" \
           f"License: Apache-2.0\nRequires-Python: >=3.9\nRequires-Dist: numpy\nDescription-Content-Type: text/markdown\n\n" \
           + (HERE / "README.md").read_text(encoding="utf-8")


def tag():
    # The libraries are of one system and of no Python.
    return f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def wheel_text():
    return f"Wheel-Version: 1.0\nGenerator: sslp\nRoot-Is-Purelib: false\nTag: {tag()}\n"


def get_requires_for_build_wheel(config_settings=None):
    return []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    info = f"{NAME}-{VERSION}.dist-info"
    name = f"{NAME}-{VERSION}-{tag()}.whl"
    entries = []

    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        def add(path, data):
            wheel.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            entries.append(f"{path},sha256={digest},{len(data)}")

        for source in sorted((HERE / NAME).glob("*.py")) + [HERE / NAME / "py.typed"]:
            add(f"{NAME}/{source.name}", source.read_bytes())
        folder, found = libraries()
        for library in found:
            add(f"{NAME}/lib/{library.relative_to(folder).as_posix()}", library.read_bytes())
        add(f"{info}/METADATA", metadata().encode())
        add(f"{info}/WHEEL", wheel_text().encode())
        wheel.writestr(f"{info}/RECORD", "\n".join(entries + [f"{info}/RECORD,,"]) + "\n")
    return name


if __name__ == "__main__":
    print(build_wheel(sys.argv[1] if len(sys.argv) > 1 else "."))
