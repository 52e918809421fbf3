"""`analyse --scheduler`: a corpus of captures on a Dask cluster (https://distributed.dask.org)."""
