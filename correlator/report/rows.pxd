# C types for rows.py.
import cython
from correlator.core.model cimport Connection, Finding
from correlator.report.cells cimport CsvCells, JsonCells
from correlator.report.columns cimport put_connection, put_finding

cdef class CsvRows:
    cdef CsvCells _cells
    cdef Connection _connection
    cdef bytes _shared

    @cython.locals(cells=CsvCells)
    cpdef bytes line(self, Finding finding)

cdef class JsonRows:
    cdef JsonCells _cells
    cdef Connection _connection
    cdef bytes _shared

    @cython.locals(cells=JsonCells)
    cpdef bytes line(self, Finding finding)
