# C types for rows.py.
import cython
from correlator.core.model cimport Connection, Finding
from correlator.report.buffer cimport Buffer
from correlator.report.cells cimport CsvCells, JsonCells
from correlator.report.columns cimport put_connection, put_finding

cdef class CsvRows:
    cdef CsvCells _cells
    cdef Connection _connection
    cdef bytes _shared

    @cython.locals(cells=CsvCells, buffer=Buffer, finding=Finding, begin=Py_ssize_t)
    cpdef bytes lines(self, list found)

cdef class JsonRows:
    cdef JsonCells _cells
    cdef Connection _connection
    cdef bytes _shared

    @cython.locals(cells=JsonCells, buffer=Buffer, finding=Finding, begin=Py_ssize_t)
    cpdef bytes lines(self, list found)
