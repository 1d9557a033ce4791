"""`unrolled doctor`: what is installed, which devices there are, what is missing, and how to get it."""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from unrolled import assets
from unrolled.models.trace.plugins import brought
from unrolled.models.trace.tensor_files import is_whole
from unrolled.viewer.cli.telling import FAILURE, SUCCESS, CommandError
from unrolled.viewer.state import paths

CHILD_SECONDS = 60
PLUGINS = {"unrolled.views": "view", "unrolled.exports": "export format", "unrolled.inputs": "kind of input"}
HEIC = "pillow-heif"
FREE_BYTES_WANTED = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: str
    good: bool = True  # whether it is as it should be
    way_out: str = ""  # how to get it, where it is not
    needed: bool = True  # whether the program cannot do without it


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser("doctor", help="what is installed, which devices, what is missing and how to get it")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--licences", action="store_true", help="under which licences this and what it needs stand")
    parser.set_defaults(do=doctor)


def doctor(arguments: argparse.Namespace) -> int:
    """Look, and tell. 1 if something that is needed is missing."""
    if arguments.licences:
        print(assets.path("licences", "third-party.md").read_text(encoding="utf-8"))
        for name in _needed():
            print(f"{name:<34}{_licence(name)}")
        return SUCCESS
    findings = [Finding("Python", f"{platform.python_version()} on {platform.platform()}"), *_packages(), *_devices(),
                *_qt(), *_checkpoints(), *_families(), *_plugins(), *_folders()]
    sick = [finding for finding in findings if finding.needed and not finding.good]
    if arguments.json:
        print(json.dumps({"well": not sick, "findings": [asdict(finding) for finding in findings]}))
    else:
        widest = max(len(finding.name) for finding in findings)
        good, bad, odd, so = _signs(sys.stdout.encoding)
        for finding in findings:
            mark = good if finding.good else (bad if finding.needed else odd)
            print(f"{mark} {finding.name:<{widest}}  {finding.state}")
            if finding.way_out and not finding.good:
                print(f"  {'':<{widest}}  {so} {finding.way_out}")
    return FAILURE if sick else SUCCESS


def _signs(encoding: str) -> tuple[str, ...]:
    """What stands for good, bad, not needed and a way out, where a terminal may not have every sign."""
    try:
        "✓✗–→".encode(encoding)
    except UnicodeEncodeError:
        return tuple("+!->")
    return tuple("✓✗–→")


def _needed() -> dict[str, str]:
    """The dependencies that are always needed, by what this package itself says: name → requirement."""
    found = {}
    for line in requires("unrolled") or []:
        matched = re.match(r"[A-Za-z0-9._-]+", line)
        if matched and "extra ==" not in line:
            found[matched.group()] = line.partition(";")[0].strip()
    return found


def _licence(name: str) -> str:
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return "not installed"
    fields = {field: said[field] for field in said}
    by_class = ", ".join(line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if line.startswith("License"))
    own = fields.get("License", "").strip()
    short = own if own and len(own) < 80 and "\n" not in own and own != "UNKNOWN" else ""
    return f"{said['Version']:<12}{fields.get('License-Expression') or short or by_class or 'does not say'}"


def _packages() -> list[Finding]:
    try:
        needed = _needed()
    except PackageNotFoundError:
        return [Finding("unrolled", "not installed", False, "python -m pip install .")]
    findings = []
    for name, requirement in needed.items():
        try:
            findings.append(Finding(name, version(name)))
        except PackageNotFoundError:
            findings.append(Finding(name, "missing", False, f'python -m pip install "{requirement}"'))
    try:
        findings.append(Finding(HEIC, version(HEIC)))
    except PackageNotFoundError:
        findings.append(Finding(HEIC, "missing: HEIC photographs, as phones write them, are not read", False,
                                f"python -m pip install {HEIC}", needed=False))
    return findings


def _child(*words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=CHILD_SECONDS,
                              env=os.environ | (environment or {}), check=False)
    except (subprocess.TimeoutExpired, OSError):
        return None


def _devices() -> list[Finding]:
    """Asked of a process that imports torch."""
    child = _child("-m", "unrolled.models", "devices", "--json")
    if child is None or child.returncode != 0:
        reason = "did not answer" if child is None else (child.stderr.strip().splitlines() or ["failed"])[-1]
        return [Finding("devices", f"PyTorch cannot be used: {reason}", False,
                        "python -m pip install --force-reinstall torch torchvision")]
    return [Finding(f"device {device['name']}", device["title"]) for device in json.loads(child.stdout)]


def _qt() -> list[Finding]:
    """Whether Qt starts here, with a screen and without one: tried in a child, since Qt aborts when it cannot."""
    from unrolled.viewer.cli.screen import check_qt, check_screen

    try:
        check_qt()
    except CommandError as error:
        return [Finding("Qt", "cannot be loaded", False, str(error))]
    start = "from PySide6.QtGui import QGuiApplication as A; a = A(['unrolled']); print(a.platformName())"
    child = _child("-c", start, environment={"QT_QPA_PLATFORM": "offscreen"})
    works = child is not None and child.returncode == 0
    findings = [Finding("Qt without a screen", "works" if works else "does not start", works,
                        "python -m pip install --force-reinstall PySide6-Essentials")]
    try:
        check_screen()
    except CommandError as error:
        return [*findings, Finding("screen", "no window can be opened", False, str(error), needed=False)]
    child = _child("-c", start)
    works = child is not None and child.returncode == 0
    return [*findings, Finding("screen", child.stdout.strip() if child and works else "Qt does not start on it", works,
                               "“unrolled caption PHOTO” works without one", needed=False)]


def _checkpoints() -> list[Finding]:
    found, again = sorted(assets.path("checkpoints").glob("*.safetensors")), "python -m pip install --force-reinstall unrolled"
    if not found:
        return [Finding("models", "none is shipped with this installation", False, again)]
    return [Finding(f"model {path.stem}", f"{path.stat().st_size / 1e6:.1f} MB") if is_whole(path) else
            Finding(f"model {path.stem}", "cannot be read, is cut off or damaged", False, again, needed=False) for path in found]


def _families() -> list[Finding]:
    """Whose checkpoints can be opened: asked of a process that imports torch, since other packages' adapters do."""
    child = _child("-m", "unrolled.models", "families", "--json")
    if child is None or child.returncode != 0:
        return []  # the devices have told why
    found = json.loads(child.stdout)
    own = " · ".join(family["name"] for family in found if not family["package"] and not family["error"])
    return [Finding("checkpoints of others", own),
            *(_of_package("model family", family["name"], family["package"], family["error"])
              for family in found if family["package"])]


def _plugins() -> list[Finding]:
    return [_of_package(what, own.name, own.package, own.error) for group, what in PLUGINS.items() for own in brought(group)]


def _of_package(what: str, name: str, package: str, error: str) -> Finding:
    return Finding(f"{what} {name}", f"cannot be used: {error}" if error else f"of {package}", not error,
                   f"repair or remove {package or name}", needed=False)


def _folders() -> list[Finding]:
    findings = []
    for name, folder in (("settings", paths.config_dir()), ("data", paths.data_dir()), ("cache", paths.cache_dir())):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        good = os.access(folder, os.W_OK) and free > FREE_BYTES_WANTED
        findings.append(Finding(f"{name} folder", f"{folder} ({free / 2**30:.1f} GiB free)", good,
                                "make room, make it writable, or set UNROLLED_HOME to another folder", needed=False))
    return findings
