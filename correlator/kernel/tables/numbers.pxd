# C types for numbers.py.

cpdef object number(str text, int base=*)
