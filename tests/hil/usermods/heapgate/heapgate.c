// The largest piece of the heap that was asked for at once: what a heap in pieces may not have.

#include "py/gc.h"
#include "py/runtime.h"

void *__real_gc_alloc(size_t n_bytes, unsigned int alloc_flags);
void *__real_gc_realloc(void *ptr, size_t n_bytes, bool allow_move);

static size_t largest;

static void note(size_t n_bytes) {
    if (n_bytes > largest) {
        largest = n_bytes;
    }
}

void *__wrap_gc_alloc(size_t n_bytes, unsigned int alloc_flags) {
    note(n_bytes);
    return __real_gc_alloc(n_bytes, alloc_flags);
}

void *__wrap_gc_realloc(void *ptr, size_t n_bytes, bool allow_move) {
    note(n_bytes);
    return __real_gc_realloc(ptr, n_bytes, allow_move);
}

// largest() -> int: bytes, since it was last asked.
static mp_obj_t heapgate_largest(void) {
    size_t found = largest;
    largest = 0;
    return mp_obj_new_int_from_uint(found);
}
static MP_DEFINE_CONST_FUN_OBJ_0(largest_obj, heapgate_largest);

static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_heapgate) },
    { MP_ROM_QSTR(MP_QSTR_largest), MP_ROM_PTR(&largest_obj) },
};
static MP_DEFINE_CONST_DICT(globals_dict, globals_table);

const mp_obj_module_t heapgate_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals_dict,
};
MP_REGISTER_MODULE(MP_QSTR_heapgate, heapgate_module);
