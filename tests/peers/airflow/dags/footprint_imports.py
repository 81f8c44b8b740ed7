"""The names that moved between Airflow 2.10 and 3.3, found wherever this Airflow keeps them."""

import time
from datetime import datetime, timedelta, timezone

try:
    from airflow.sdk import DAG, Asset, BaseHook, BaseOperator
except ImportError:
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.hooks.base import BaseHook
    from airflow.models.baseoperator import BaseOperator

try:
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:
    from airflow.exceptions import AirflowFailException, AirflowSkipException

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.providers.standard.sensors.python import PythonSensor
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
except ImportError:
    from airflow.operators.bash import BashOperator
    from airflow.operators.python import PythonOperator
    from airflow.sensors.python import PythonSensor
    from airflow.triggers.temporal import TimeDeltaTrigger

__all__ = [
    "AirflowFailException", "AirflowSkipException", "Asset", "BaseHook", "BaseOperator", "BashOperator",
    "PythonOperator", "PythonSensor", "TimeDeltaTrigger", "dag", "nothing", "sleep", "timedelta",
]


def dag(dag_id, **options):
    """A DAG that is not scheduled and whose tasks, if they retry at all, do so after two seconds."""
    defaults = {"retry_delay": timedelta(seconds=2), "owner": "data-platform", **options.pop("default_args", {})}
    options.setdefault("schedule", None)
    return DAG(
        dag_id,
        start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
        catchup=False,
        default_args=defaults,
        **options,
    )


def nothing():
    print("nothing to do")


def sleep(seconds):
    """`time.sleep` has no signature, and Airflow refuses to call what it cannot inspect."""
    time.sleep(seconds)
