# C types for handshake.py.

cdef int _KINDS
cdef bytes _STATES
cdef bytes _CLOSINGS
cdef bytes _IS_HALF_OPEN
cdef bytes _IS_STEADY
cdef bytes _IS_CLOSED

cpdef int next_state(int state, int kind, bint from_client) except? -1
cpdef int next_closing(int closing, int kind, bint from_client) except? -1
cpdef bint half_open(int state) except? -1
cpdef bint steady(int state) except? -1
cpdef bint closed(int closing) except? -1
