"""Makes the metadata database of a new Airflow: tables, users (Airflow 2 only), pools. Run by `start`.

Users of Airflow 3 live in its simple auth manager's settings instead. One process does all, because
every `airflow` command costs seconds of imports.
"""

import json
import os

from airflow import __version__, settings
from airflow.models.pool import Pool
from airflow.utils.db import initdb
from airflow.utils.session import create_session


def add_users():
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        for name, role in (("admin", "Admin"), ("viewer", "Viewer"), ("op", "Op")):
            added = manager.add_user(name, name, name, f"{name}@example.com", manager.find_role(role), name)
            assert added, f"user {name} was refused"


def add_pools(slots_by_name):
    with create_session() as session:
        for name, slots in slots_by_name.items():
            Pool.create_or_update_pool(name, slots, "", include_deferred=False, session=session)


def let_readers_and_a_writer_work_at_once():
    """SQLite keeps this mode in the file. Without it a request now and then fails with "database is locked"."""
    with settings.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")


initdb()
let_readers_and_a_writer_work_at_once()
if __version__.startswith("2."):
    add_users()
add_pools(json.loads(os.environ["FOOTPRINT_POOLS"]))
