"""The samples' own tests run in processes of their own: `tests/migrate/test_samples.py`."""

collect_ignore_glob = ["*"]
