//! A small Google Cloud and Airflow that answers as the real ones do.
