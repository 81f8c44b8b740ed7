"""Processes that are started in a session of their own, so that all they left behind is found by that session."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path


def launch(directory, name, command, settings):
    """Starts `command` with output to DIR/NAME.log and notes it in DIR/pids.json."""
    with open(directory / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            command, env=settings, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    notes = directory / "pids.json"
    noted = json.loads(notes.read_text()) if notes.exists() else []
    noted.append({"name": name, "pid": process.pid, "started": started_ticks(process.pid)})
    notes.write_text(json.dumps(noted))
    return process


def stop_all(directory, patience=4.0):
    """Ends every process of every noted session: asked first, killed after `patience` seconds. Returns how many there were."""
    notes = directory / "pids.json"
    if not notes.exists():
        return 0
    noted = json.loads(notes.read_text())
    sessions = {entry["pid"] for entry in noted if not reused(entry)}
    found = members(sessions)
    for pid in found:
        # A process that stands still cannot hear the request to end.
        send(pid, signal.SIGCONT)
    for pid in sessions & set(found):
        send(pid, signal.SIGTERM)
    ended_by = time.monotonic() + patience
    while members(sessions) and time.monotonic() < ended_by:
        time.sleep(0.1)
    while left := members(sessions):
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.05)
    notes.unlink()
    return len(found)


def members(sessions):
    """Living processes of these sessions."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = stat_fields(entry.name)
            if fields and int(fields[3]) in sessions and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def reused(entry):
    """Whether the noted pid now belongs to another process, which then leads no session of ours."""
    ticks = started_ticks(entry["pid"])
    return ticks is not None and entry["started"] is not None and ticks != entry["started"]


def started_ticks(pid):
    fields = stat_fields(pid)
    return int(fields[19]) if fields else None


def stat_fields(pid):
    """The fields of /proc/PID/stat after the command name: state, parent, group, session, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
