SRC_USERMOD_C += $(USERMOD_DIR)/heapgate.c
LDFLAGS_USERMOD += -Wl,--wrap=gc_alloc -Wl,--wrap=gc_realloc
