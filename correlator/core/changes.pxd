# C types for changes.py.
from correlator.core.flow cimport Flow

cdef class Event:
    cdef readonly object change
    cdef readonly Flow flow
