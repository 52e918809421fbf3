# C types for counters.py.

cdef class Counters:
    cdef public long long matched
    cdef public long long unmatched
    cdef public long long ambiguous
    cdef public long long lookups
    cdef public dict by_verdict
