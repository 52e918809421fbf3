# C types for columnar.py.
import cython
from correlator.core cimport tcp
from correlator.core.finding cimport Finding
from correlator.report.buffer cimport Buffer
from correlator.report.cells cimport Cells, plain
from correlator.report.columns cimport put_connection, put_finding

cdef int _WORD
cdef int _TEXT
cdef unsigned long long _MOST_OF_WORD
cdef unsigned long long _MOST_OF_HALF
cdef int _ROWS
cdef int _VERDICT
cdef int _EXPLANATION

@cython.final
cdef class Column:
    cdef readonly int kind
    cdef str _form
    cdef readonly object array
    cdef unsigned long long[::1] values
    cdef readonly bytearray known
    cdef readonly Buffer buffer
    cdef readonly dict words

    cpdef clear(self)
    @cython.locals(count=Py_ssize_t)
    cpdef object packed(self, Py_ssize_t rows)
    @cython.locals(values="unsigned long long[::1]", known=bytearray, row=Py_ssize_t)
    cdef _end_unknown(self, Py_ssize_t rows)
    @cython.locals(values="unsigned long long[::1]", row=Py_ssize_t)
    cdef _pack_words(self, unsigned int[::1] into, Py_ssize_t count)
    @cython.locals(values="unsigned long long[::1]", row=Py_ssize_t)
    cdef _pack_halves(self, unsigned short[::1] into, Py_ssize_t count)
    @cython.locals(values="unsigned long long[::1]", row=Py_ssize_t)
    cdef _pack_thousandths(self, double[::1] into, Py_ssize_t count)
    cpdef grow(self, Py_ssize_t rows)
    cdef int put_number(self, Py_ssize_t row, unsigned long long value) except -1
    cdef int put_text(self, Py_ssize_t row, str value) except -1
    cdef int end_text(self, Py_ssize_t row) except -1
    cdef int mark(self, Py_ssize_t row) except -1

cdef class Columns(Cells):
    cdef readonly list columns
    cdef readonly Py_ssize_t rows
    cdef Py_ssize_t _room
    cdef int _place

    @cython.locals(column=Column)
    cpdef clear(self)
    cdef _put_alone(self, Finding finding)
    @cython.locals(finding=Finding)
    cpdef findings(self, list found)
    @cython.locals(column=Column)
    cpdef end(self)
    cdef Column _next(self)
    @cython.locals(column=Column)
    cpdef encoded(self, str prefix, bytearray value)
    @cython.locals(column=Column)
    cpdef address(self, unsigned long long high, unsigned long long low, bint is_ipv6)
    @cython.locals(column=Column)
    cpdef endpoint(self, bytes address, int port)
