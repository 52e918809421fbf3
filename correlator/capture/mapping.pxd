# C types for mapping.py.
from correlator.capture cimport guard
