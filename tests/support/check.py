#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The builds and the suites behind tests/check, and the count of what really ran."""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Suites that need servers, foreign clients or a screen: once, on the plain build. All the others are unit suites.
LONG = {"servers", "interop", "attacks", "faults", "window"}
# Measured by hand: never part of the check. (The fuzz targets have a runner of their own.)
NEVER = {"bench"}
# Long ones that draw at random what they do: under AddressSanitizer, where they see most, and in --quick; a second run is another draw.
DRAWN = {"engine-writes", "engine-interleavings", "omemo-schedules", "store-writes"}
# So long each fuzz target is run; hours are a command of their own.
FUZZ_SECONDS = 20
# Rooms where two threads meet.
THREADED = {"base", "engine", "model"}

# name -> compiler, sanitizer, factor for deadlines
BUILDS = {
    "check": ("gcc", "none", 1),
    "asan": ("clang", "address,undefined", 3),
    "tsan": ("clang", "thread", 5),
}
CASE = re.compile(r"^(not )?ok\b(?:[^#\n\\]|\\.)*(?:#\s*(SKIP|TODO)\b)?", re.I)


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.faults = []        # (what, text) of each failure
        self.skips = []

    def fail(self, what, text, number=1):
        self.failed += number
        self.faults.append((what, text))

    def tap(self, what, output, result_ok, ended):
        """Counts the cases in @output; @result_ok and @ended are the runner's word about the whole."""
        bad = run = 0
        for line in output.splitlines():
            match = CASE.match(line)
            if not match:
                continue
            run += 1
            directive = (match.group(2) or "").upper()
            if directive == "SKIP":
                self.skipped += 1
                self.skips.append(f"{what}: {line.strip()}")
            elif match.group(1) and directive != "TODO":
                bad += 1
            else:
                self.passed += 1
        if bad:
            self.fail(what, failures_of(output), bad)
        if not result_ok and not bad:
            # It crashed, leaked, raced, took too long, or ran fewer cases than it had announced.
            self.fail(what, f"{ended}\n" + "\n".join(output.splitlines()[-60:]))
        return run


def failures_of(output, most=160):
    """The cases that failed, each with the lines around it up to its neighbours.

    GLib says what was wrong before the case, Python's runner after it.
    """
    kept, since, keep = [], [], False
    for line in output.splitlines():
        match = CASE.match(line)
        if match:
            keep = bool(match.group(1))
            if keep:
                kept += since[-12:] + [line]
            since = []
        elif keep:
            kept.append(line)
        else:
            since.append(line)
    return "\n".join(kept[:most]) or "\n".join(output.splitlines()[-60:])


def say(text):
    print(text, flush=True)


def environment(build):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    # No suite talks to the desktop of the person who runs it.
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "G_MESSAGES_DEBUG", "TESSERA_CA_FILE", "MESON_TESTTHREADS"):
        env.pop(name, None)
    env["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
    env["TESSERA_PEER"] = os.path.join(ROOT, "build", "check", "tests", "tessera-peer")
    suppressions = os.path.join(ROOT, "tests", "support")
    for tool, variable in (("lsan", "LSAN_OPTIONS"), ("tsan", "TSAN_OPTIONS")):
        path = os.path.join(suppressions, f"{tool}.supp")
        options = ["halt_on_error=1", "second_deadlock_stack=1"] if tool == "tsan" else []
        if os.path.exists(path):
            options += [f"suppressions={path}", "print_suppressions=0"]
        if options:
            env[variable] = ":".join(options)
    compiler = BUILDS[build][0]
    env["CC"] = f"ccache {compiler}" if shutil.which("ccache") else compiler
    return env


def command(argv, env, log):
    """Runs a command with its output into @log; returns whether it succeeded."""
    with open(log, "ab") as f:
        return subprocess.run(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=False).returncode == 0


def tail(path, count=60, every=False):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
    except OSError as error:
        return str(error)
    # Of a failed build only the complaints are worth reading.
    worth = [] if every else [l for l in lines if re.search(r"error|warning|FAILED|undefined reference|ERROR", l)]
    return "\n".join((worth or lines)[-count:])


def configure(build, count):
    """Makes build/NAME ready; returns its folder, or None when that failed."""
    folder = os.path.join(ROOT, "build", build)
    _compiler, sanitizer, _slow = BUILDS[build]
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    log = os.path.join(ROOT, "build", f"{build}.log")
    open(log, "wb").close()
    options = ["-Dwerror=true", "-Dtests=true", f"-Db_sanitize={sanitizer}", f"-Db_lundef={str(sanitizer == 'none').lower()}"]
    env = environment(build)
    ready = os.path.exists(os.path.join(folder, "build.ninja"))
    if ready and command(["meson", "setup", "--reconfigure", folder, *options], env, log):
        return folder
    # A folder from another compiler or an older meson.build is no fault: it is made anew.
    shutil.rmtree(folder, ignore_errors=True)
    open(log, "wb").close()
    if command(["meson", "setup", folder, *options], env, log):
        return folder
    count.fail(f"configuring build/{build}", tail(log))
    return None


def compile_all(build, folder, count, targets=()):
    log = os.path.join(ROOT, "build", f"{build}.log")
    if command(["ninja", "-C", folder, *targets], environment(build), log):
        return True
    count.fail(f"building build/{build}", tail(log, 100))
    return False


def tests_of(folder, count):
    """The tests that the build knows, as meson tells them."""
    told = subprocess.run(["meson", "introspect", "--tests", folder], stdout=subprocess.PIPE, check=False, cwd=ROOT)
    try:
        tests = json.loads(told.stdout)
    except ValueError:
        count.fail("meson introspect", told.stdout.decode("utf-8", "replace")[-2000:])
        return []
    for test in tests:
        test["suites"] = {s.rpartition(":")[2] for s in test["suite"]}
    names = [t["name"] for t in tests]
    for name in sorted({n for n in names if names.count(n) > 1}):
        count.fail("meson.build", f"two tests are named '{name}'; meson's report needs a name of its own for each")
    return tests


def run_tests(build, folder, tests, label, count, jobs=3):
    """Runs @tests (as tests_of() gave them) and counts their cases."""
    if not tests:
        return
    log = f"{label}-log"
    path = os.path.join(folder, "meson-logs", f"{log}.json")
    if os.path.exists(path):
        os.unlink(path)
    began = time.monotonic()
    before = (count.passed, count.failed)
    env = environment(build)
    env["TESS_TEST_SLOW"] = str(BUILDS[build][2])
    argv = ["meson", "test", "-C", folder, "--num-processes", str(jobs), "--timeout-multiplier", str(BUILDS[build][2]),
            "--logbase", log, "--print-errorlogs", *[t["name"] for t in tests]]
    output = os.path.join(ROOT, "build", f"{build}-{label}.log")
    open(output, "wb").close()
    command(argv, env, output)
    # meson builds what the chosen tests need and nothing else; when that fails no test has run.
    if not os.path.exists(path) and "Could not rebuild" in tail(output, 10 ** 6, every=True):
        count.fail(f"building build/{build}", tail(output, 100))
        return
    seen = set()
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                try:
                    test = json.loads(line)
                except ValueError:
                    continue
                name = re.sub(r"^.* / ", "", test["name"])
                seen.add(name)
                what = f"{name} ({build})"
                text = test.get("stdout") or ""
                result = test.get("result")
                ok = result in ("OK", "EXPECTEDFAIL", "SKIP")
                errors = test.get("stderr") or ""
                ran = count.tap(what, text if ok or not errors else text + "\n" + "\n".join(
                    "# " + l for l in errors.splitlines()[-80:]), ok, f"{result}, exit code {test.get('returncode')}")
                if not ran and ok:
                    if result == "SKIP":
                        count.fail(what, "it skipped itself whole")
                    else:
                        count.passed += 1       # a test without TAP: its exit code is its case
    for test in tests:
        if test["name"] not in seen:
            count.fail(f"{test['name']} ({build})", f"it did not run at all:\n{tail(output)}")
    say(f"  {label}: {count.passed - before[0]} passed, {count.failed - before[1]} failed, "
        f"{time.monotonic() - began:.0f} s")


def check_layers(count):
    done = subprocess.run([os.path.join(ROOT, "tests", "check-layers")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False)
    count.tap("check-layers", done.stdout.decode("utf-8", "replace"), done.returncode == 0, f"exit code {done.returncode}")


def check_data(folder, count):
    """The files that others read: desktop entry, metainfo, settings' schema, translations."""
    source, built = os.path.join(ROOT, "data"), os.path.join(folder, "data")

    def files(*patterns):
        return sorted(p for where in (built, source) for pattern in patterns for p in glob.glob(os.path.join(where, pattern)))

    jobs = [(["desktop-file-validate", p], p) for p in files("*.desktop")]
    jobs += [(["appstreamcli", "validate", "--no-net", "--explain", p], p) for p in files("*.metainfo.xml")]
    if files("*.gschema.xml"):
        jobs.append((["glib-compile-schemas", "--strict", "--dry-run", os.path.dirname(files("*.gschema.xml")[0])], "gschema"))
    jobs += [(["msgfmt", "-c", "-o", "/dev/null", p], p) for p in sorted(glob.glob(os.path.join(ROOT, "po", "*.po")))]
    for argv, path in jobs:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            count.passed += 1
        else:
            count.fail(f"{argv[0]} {os.path.relpath(path, ROOT) if os.path.isabs(path) else path}",
                       done.stdout.decode("utf-8", "replace"))


def fuzz(count):
    """Builds build/fuzz and gives each fuzz target its time; the runner says what it did case by case."""
    began, before = time.monotonic(), (count.passed, count.failed)
    argv = [sys.executable, os.path.join(ROOT, "tests", "fuzz", "run"), "--seconds", str(FUZZ_SECONDS)]
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    with open(os.path.join(ROOT, "build", "fuzz.log"), "w", encoding="utf-8") as f:
        f.write(text)
    count.tap("tests/fuzz/run", text, done.returncode == 0, f"exit code {done.returncode}")
    say(f"build/fuzz: {count.passed - before[0]} passed, {count.failed - before[1]} failed, {time.monotonic() - began:.0f} s")


def in_build(build, count, wanted, label, all_targets=False):
    """Configures and builds @build, then runs the tests for which @wanted is true."""
    began = time.monotonic()
    folder = configure(build, count)
    if folder is None:
        return None, []
    tests = tests_of(folder, count)
    chosen = [t for t in tests if wanted(t)]
    # Only what is run is built where a sanitizer makes building slow; meson itself sees to that.
    if all_targets and not compile_all(build, folder, count):
        return None, []
    say(f"build/{build}: {len(chosen)} of {len(tests)} tests chosen, ready after {time.monotonic() - began:.0f} s")
    run_tests(build, folder, chosen, label, count)
    return folder, tests


def is_unit(test):
    return not test["suites"] & (LONG | NEVER)


def is_drawn(test):
    return test["name"].split(" / ")[-1] in DRAWN


def main():
    parser = argparse.ArgumentParser(prog="tests/check", description="Builds Tessera and runs its suites.")
    parser.add_argument("--quick", action="store_true", help="one build, unit suites only")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="only these suites, in one build")
    options = parser.parse_args()
    count, began = Count(), time.monotonic()
    # Whatever a test leaves behind when it is ended by force goes with this folder.
    with tempfile.TemporaryDirectory(prefix="tess-", ignore_cleanup_errors=True) as folder:
        # A test that gives up root's rights to meet a full or closed disk must still come in.
        os.chmod(folder, 0o711)
        os.environ["TMPDIR"] = folder
        check(options, count)
    return report(count, began)


def check(options, count):
    if options.suites == ["fuzz"]:
        os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
        fuzz(count)
    elif options.suites:
        _folder, tests = in_build("check", count, lambda t: bool(t["suites"] & set(options.suites)), "chosen", True)
        known = set().union(*(t["suites"] for t in tests)) if tests else set()
        for name in options.suites:
            if tests and name not in known:
                count.fail("tests/check", f"there is no suite '{name}'; there are {', '.join(sorted(known))}")
    else:
        check_layers(count)
        folder, tests = in_build("check", count, lambda t: is_unit(t) and (options.quick or not is_drawn(t)), "unit", True)
        if folder:
            check_data(folder, count)
        if not options.quick:
            in_build("asan", count, is_unit, "unit")
            in_build("tsan", count, lambda t: is_unit(t) and not is_drawn(t) and bool(t["suites"] & THREADED), "threads")
            fuzz(count)
            if folder:
                say("build/check: servers, other clients, faults, the window")
                # They wait for servers and for each other far more than they compute.
                run_tests("check", folder, [t for t in tests if t["suites"] & LONG], "long", count, jobs=4)


def report(count, began):
    if count.passed + count.failed == 0:
        count.fail("tests/check", "nothing ran")
    for line in count.skips:
        say(f"skipped: {line}")
    for what, text in count.faults:
        say(f"\n==== failed: {what}")
        for line in text.splitlines():
            say("    " + line[:400])
    say(f"\ntests/check took {(time.monotonic() - began) / 60:.1f} min; logs are in build/*.log and build/*/meson-logs")
    say(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
