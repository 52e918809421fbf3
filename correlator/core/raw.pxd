# raw.py in C. In this form, from a pointer of their own, compilers make one load of each.
cdef extern from *:
    """
    #include <string.h>

    #if defined(__GNUC__)
    #define RAW_PREFETCH(where) __builtin_prefetch(where)
    #else
    #define RAW_PREFETCH(where)
    #endif
    static inline const unsigned char *raw_address(PyObject *data) {
        return (const unsigned char *)PyBytes_AS_STRING(data);
    }
    static inline void raw_prefetch(const unsigned char *raw, Py_ssize_t at) { RAW_PREFETCH(raw + at); }
    static inline void raw_prefetch_word(const unsigned long long *words, Py_ssize_t at) { RAW_PREFETCH(words + at); }
    static inline void raw_prefetch_item(PyObject *items, Py_ssize_t at) {
        RAW_PREFETCH(&PyList_GET_ITEM(items, at));
    }
    static inline void raw_prefetch_large(PyObject *found) {
        int at;
        for (at = 0; at < 384; at += 64)
            RAW_PREFETCH((const char *)found + at);
    }
    /* Of a Flow: its count of references, and bytes 112 to 272, which are the last of Connection's fields and its first. */
    static inline void raw_prefetch_object(PyObject *items, Py_ssize_t at) {
        const char *found = (const char *)PyList_GET_ITEM(items, at);
        RAW_PREFETCH(found);
        RAW_PREFETCH(found + 112);
        RAW_PREFETCH(found + 176);
        RAW_PREFETCH(found + 240);
        RAW_PREFETCH(found + 271);
    }
    static inline void raw_copy(unsigned char *to, Py_ssize_t at, const unsigned char *from, Py_ssize_t begin,
                                Py_ssize_t length) {
        memcpy(to + at, from + begin, (size_t)length);
    }
    static inline Py_ssize_t raw_line_end(const unsigned char *raw, Py_ssize_t at, Py_ssize_t end) {
        const unsigned char *found = at < end ? memchr(raw + at, '\\n', (size_t)(end - at)) : NULL;
        return found == NULL ? 0 : found - raw + 1;
    }
    static inline unsigned int raw_word(const unsigned char *raw, Py_ssize_t at) {
        raw += at;
        return (unsigned int)raw[3] << 24 | (unsigned int)raw[2] << 16 | (unsigned int)raw[1] << 8 | raw[0];
    }
    static inline unsigned int raw_net_half(const unsigned char *raw, Py_ssize_t at) {
        raw += at;
        return (unsigned int)raw[0] << 8 | raw[1];
    }
    static inline unsigned int raw_net_word(const unsigned char *raw, Py_ssize_t at) {
        raw += at;
        return (unsigned int)raw[0] << 24 | (unsigned int)raw[1] << 16 | (unsigned int)raw[2] << 8 | raw[3];
    }
    static inline unsigned long long raw_net_long_word(const unsigned char *raw, Py_ssize_t at) {
        return (unsigned long long)raw_net_word(raw, at) << 32 | raw_net_word(raw, at + 4);
    }
    static inline void *raw_items(PyObject *numbers, Py_ssize_t size) {  /* no more than this of a memoryview is wanted */
        Py_buffer view;
        void *found;
        if (PyObject_GetBuffer(numbers, &view, PyBUF_CONTIG) < 0)
            return NULL;
        found = view.buf;
        if (view.itemsize != size) {
            PyErr_Format(PyExc_ValueError, "items of %zd bytes, not of %zd", view.itemsize, size);
            found = NULL;
        }
        PyBuffer_Release(&view);
        return found;
    }
    #define RAW_WORDS(numbers) ((unsigned long long *)raw_items(numbers, sizeof(unsigned long long)))
    #define RAW_TIMES(numbers) ((long long *)raw_items(numbers, sizeof(long long)))
    #define RAW_INTEGERS(numbers) ((int *)raw_items(numbers, sizeof(int)))
    #define RAW_OCTETS(numbers) ((unsigned char *)raw_items(numbers, 1))
    static inline unsigned int raw_ordered_word(const unsigned char *raw, Py_ssize_t at, int is_net) {
        return is_net ? raw_net_word(raw, at) : raw_word(raw, at);
    }
    """
    const unsigned char *address "raw_address"(bytes data) noexcept
    void prefetch "raw_prefetch"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    void prefetch_item "raw_prefetch_item"(list items, Py_ssize_t at) noexcept
    void prefetch_object "raw_prefetch_object"(list items, Py_ssize_t at) noexcept
    void prefetch_large "raw_prefetch_large"(object found) noexcept
    void copy "raw_copy"(
        unsigned char *to, Py_ssize_t at, const unsigned char *source, Py_ssize_t begin, Py_ssize_t length
    ) noexcept nogil
    Py_ssize_t line_end "raw_line_end"(const unsigned char *raw, Py_ssize_t at, Py_ssize_t end) noexcept nogil
    unsigned int word "raw_word"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned int net_half "raw_net_half"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned int net_word "raw_net_word"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned long long net_long_word "raw_net_long_word"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned int ordered_word "raw_ordered_word"(const unsigned char *raw, Py_ssize_t at, bint is_net) noexcept nogil
    void prefetch_word "raw_prefetch_word"(const unsigned long long *words, Py_ssize_t at) noexcept nogil
    unsigned long long *words "RAW_WORDS"(object numbers) except? NULL
    long long *times "RAW_TIMES"(object numbers) except? NULL
    int *integers "RAW_INTEGERS"(object numbers) except? NULL
    unsigned char *octets "RAW_OCTETS"(object numbers) except? NULL
