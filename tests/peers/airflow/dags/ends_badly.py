"""airflow dags whose runs fail, each for a different real cause."""

import os
import signal
import time
import urllib.request
from pathlib import Path

from footprint_imports import (
    AirflowFailException,
    BaseHook,
    BashOperator,
    PythonOperator,
    PythonSensor,
    dag,
    nothing,
    sleep,
    timedelta,
)


def missing_key():
    return {"orders": 1}["customers"]


def ask_closed_port():
    """Fails with one exception on top of another."""
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://127.0.0.1:1/orders", timeout=5)


def give_up():
    raise AirflowFailException("no further try would help")


def missing_module():
    import footprint_module_that_is_not_installed  # noqa: F401


def use_connection():
    return BaseHook.get_connection("footprint_no_such_connection").host


def kill_self():
    """What the kernel does to a process that needs too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop_heartbeats():
    """The process that reports the heartbeats stands still for longer than the scheduler's patience."""
    supervisor = os.getppid()
    os.kill(supervisor, signal.SIGSTOP)
    try:
        time.sleep(float(os.environ["FOOTPRINT_STANDSTILL_SECONDS"]))
    finally:
        os.kill(supervisor, signal.SIGCONT)
    time.sleep(30)


def divide(number):
    return 12 / number


def need_marker():
    marker = Path(os.environ["FOOTPRINT_MARKERS"], "cured")
    if not marker.exists():
        raise FileNotFoundError(f"the marker {marker.name} is not there")


with dag("fail_key_error"):
    PythonOperator(task_id="look_up", python_callable=missing_key, retries=1)

with dag("fail_refused"):
    PythonOperator(task_id="ask", python_callable=ask_closed_port)

with dag("fail_given_up"):
    PythonOperator(task_id="give_up", python_callable=give_up, retries=2)

with dag("fail_no_module"):
    PythonOperator(task_id="load", python_callable=missing_module)

with dag("fail_timeout"):
    PythonOperator(
        task_id="too_long",
        python_callable=sleep,
        op_args=[60],
        execution_timeout=timedelta(seconds=2),
    )

with dag("fail_killed"):
    PythonOperator(task_id="eat_memory", python_callable=kill_self)

with dag("fail_heartbeat"):
    PythonOperator(task_id="stand_still", python_callable=stop_heartbeats)

with dag("fail_connection"):
    PythonOperator(task_id="connect", python_callable=use_connection)

with dag("fail_bash"):
    BashOperator(task_id="script", bash_command="echo 'disk quota exceeded' >&2; exit 3")

with dag("fail_upstream"):
    first = PythonOperator(task_id="first", python_callable=missing_key)
    first >> PythonOperator(task_id="second", python_callable=nothing)
    first >> PythonOperator(task_id="clean_up", python_callable=nothing, trigger_rule="all_done")

with dag("fail_sensor"):
    PythonSensor(task_id="file_arrives", python_callable=lambda: False, poke_interval=1, timeout=3)

with dag("fail_mapped"):
    PythonOperator.partial(task_id="divide", python_callable=divide).expand(op_args=[[1], [0], [3]])

with dag("fail_run_timeout", dagrun_timeout=timedelta(seconds=15)):
    PythonOperator(task_id="outlives_the_run", python_callable=sleep, op_args=[90], priority_weight=10)

with dag("fail_until_marker"):
    PythonOperator(task_id="need_marker", python_callable=need_marker)
