"""An airflow file that would define a dag, if what it imports were there."""

from footprint_module_that_is_not_installed import dag

dag("never_seen")
