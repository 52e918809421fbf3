# C types for cells.py.
import cython
from correlator.core cimport tcp
from correlator.report.buffer cimport Buffer

cdef int _PLAIN
cdef int _WITH_COMMAS
cdef int _OTHER
cdef int _FIRST
cdef int _LAST
cdef int _QUOTE
cdef int _COMMA
cdef int _BACKSLASH
cdef bytes _FORMULA
cdef dict _WORDS

@cython.locals(kind=int, character=cython.Py_UCS4, code=cython.uint)
cdef int _kind(str value) except -1

@cython.locals(found=str)
cpdef str plain(token)
cpdef str json_text(str value)

cdef class Cells:
    cpdef nothing(self)
    cpdef token(self, value)
    cpdef text(self, str value)
    cpdef prose(self, str value)
    cpdef number(self, value)
    cpdef encoded(self, str prefix, bytearray value)
    cpdef count(self, long long value)
    cpdef interval(self, long long value)
    cpdef time(self, long long value)
    cpdef address(self, unsigned long long high, unsigned long long low, bint is_ipv6)
    cpdef endpoint(self, bytes address, int port)

cdef class Lines(Cells):
    cdef readonly Buffer buffer
    cdef public int place
    cdef public bint has_more
    cdef object _safe
    cdef dict _written

    @cython.locals(written=bytes)
    cpdef text(self, str value)
    cdef _next(self)
    cpdef end(self, more)

cdef class CsvCells(Lines):
    @cython.locals(kind=int)
    cpdef prose(self, str value)
    cdef _next(self)

cdef class JsonCells(Lines):
    cdef tuple _heads

    cdef _string(self, str value)
    cdef _next(self)

cdef class ArrayCells(JsonCells):
    pass
