"""airflow dags whose runs succeed."""

import os
from pathlib import Path

from footprint_imports import (
    AirflowSkipException,
    Asset,
    BaseOperator,
    PythonOperator,
    PythonSensor,
    TimeDeltaTrigger,
    dag,
    nothing,
    sleep,
    timedelta,
)

TABLE = Asset("footprint://warehouse/orders")


def fail_first_try(ti):
    if ti.try_number == 1:
        raise ConnectionResetError("the first try always fails")


def second_look(of_run):
    """False when a run asks for the first time, true after that."""
    seen = Path(os.environ["FOOTPRINT_MARKERS"], f"seen-{of_run}")
    if seen.exists():
        return True
    seen.touch()
    return False


def skip():
    raise AirflowSkipException("nothing to do today")


class Wait(BaseOperator):
    """Hands its waiting to the triggerer, so that the task is deferred for `seconds`."""

    def __init__(self, seconds, **kwargs):
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=self.seconds)), method_name="resume")

    def resume(self, context, event=None):
        print("resumed")


with dag("ok", tags=["slo:2h", "team:core"], default_args={"owner": "orders-team"}):
    PythonOperator(task_id="first", python_callable=nothing) >> PythonOperator(task_id="second", python_callable=nothing)

with dag("retry_then_ok"):
    PythonOperator(task_id="flaky", python_callable=fail_first_try, retries=1)

with dag("slow"):
    PythonOperator(task_id="sleep", python_callable=sleep, op_args=[75])

with dag("paused", is_paused_upon_creation=True, schedule="@daily"):
    PythonOperator(task_id="never", python_callable=nothing)

with dag("every_minute", is_paused_upon_creation=True, schedule="* * * * *", max_active_runs=1):
    PythonOperator(task_id="tick", python_callable=nothing)

with dag("producer"):
    PythonOperator(task_id="write", python_callable=nothing, outlets=[TABLE])

with dag("consumer", schedule=[TABLE]):
    PythonOperator(task_id="read", python_callable=nothing)

with dag("deferred"):
    Wait(task_id="wait", seconds=12)

with dag("pooled"):
    PythonOperator.partial(task_id="take", python_callable=sleep, pool="narrow").expand(op_args=[[3], [3]])

with dag("rescheduled"):
    PythonSensor(
        task_id="second_look",
        python_callable=second_look,
        op_args=["{{ dag_run.run_id }}"],
        mode="reschedule",
        # Airflow 3 fails the task if it is queued again before its worker process has reported the end of the first look.
        poke_interval=10,
        timeout=90,
    )

with dag("skips"):
    PythonOperator(task_id="not_today", python_callable=skip) >> PythonOperator(task_id="so_not_this", python_callable=nothing)
    PythonOperator.partial(task_id="over_nothing", python_callable=nothing).expand(op_args=[])
    PythonOperator(task_id="anyway", python_callable=nothing)
