# C types for rows.py.
import cython
from correlator.core.connection cimport Connection
from correlator.core.finding cimport Finding
from correlator.report.buffer cimport Buffer
from correlator.report.cells cimport Lines
from correlator.report.columns cimport put_connection, put_finding
from correlator.report.csv_connection cimport put_csv

cdef class Rows:
    cdef Lines _cells
    cdef bint _is_csv
    cdef bint _is_keyed
    cdef Connection _connection
    cdef Py_ssize_t _begin
    cdef Py_ssize_t _end
    cdef dict _alone

    @cython.locals(cells=Lines, buffer=Buffer, finding=Finding, begin=Py_ssize_t)
    cpdef bytes lines(self, list found)
    cdef int _put_connection(self, Connection connection) except -1
    @cython.locals(cells=Lines, buffer=Buffer, known=bytes, begin=Py_ssize_t)
    cdef int _put_alone(self, Finding finding) except -1
